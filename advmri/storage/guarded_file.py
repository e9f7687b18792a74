"""Files for libraries that do not bear a write that fails.

Where a disk is full, HDF5 (as in h5py 3) can end the process with a segmentation fault, and torch.save raises a
RuntimeError without the reason. They write into such a file instead: it takes everything, remembers the first failure,
and raises it when the library is done.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import h5py


class GuardedFile(io.RawIOBase):
    """A file that never fails to write; `failure` is the first error, after which nothing more is written."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=0)
        self.failure: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of `data`, unless a write has failed before."""
        left = memoryview(data).cast("B")
        size = left.nbytes
        while left.nbytes and self.failure is None:
            try:
                left = left[self._file.write(left) or 0 :]
            except OSError as error:
                self.failure = error
        return size

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer; what could not be written reads as zeros."""
        view = memoryview(buffer).cast("B")
        count = self._file.readinto(view) or 0
        if self.failure is not None:
            view[count:] = bytes(view.nbytes - count)
            return view.nbytes
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        """Make the file so long, unless a write has failed before."""
        if self.failure is None:
            try:
                return self._file.truncate(size)
            except OSError as error:
                self.failure = error
        return size or 0

    def readable(self) -> bool:
        """HDF5 reads what it wrote."""
        return True

    def writable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


@contextmanager
def guarded_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a new file to write to.

    Raises:
        OSError: with errno and `path`, where not all could be written; whatever else went wrong follows from that.
    """
    file = GuardedFile(path)
    try:
        yield cast(IO[bytes], file)
    finally:
        file.close()
        if (failure := file.failure) is not None:
            raise OSError(failure.errno, failure.strerror, str(path)) from None


@contextmanager
def new_hdf5_file(path: Path) -> Iterator[h5py.File]:
    """Give a new HDF5 file to write to; raises OSError as `guarded_file` does."""
    with guarded_file(path) as stream, h5py.File(stream, "w") as file:
        yield file
