"""Files that cannot be read through no fault of theirs: locks, permissions, disks and networks that do not answer.

None of this is damage: nothing may advise to delete what nobody has read.
"""

import errno
import os
import re
from pathlib import Path

from advmri.errors import InputError, damaged

LOCKING = "HDF5_USE_FILE_LOCKING"
"""HDF5's own environment variable, which goes before what a program asks for."""
FORBIDDEN = (errno.EACCES, errno.EPERM)
LOCKED = (errno.EAGAIN, errno.EBUSY, errno.ETXTBSY)
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)
OF_THE_CONTENT = (0, errno.EINVAL, errno.EOVERFLOW, errno.EFBIG)
"""Damaged addresses in a file lead HDF5 to seek and read where nothing can be."""
OF_THE_NAME = (errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)
"""There is no such file: readers say so themselves."""
IN_MESSAGE = re.compile(r"errno = (\d+)")
AGAIN = "and start the same command again"


class NoAccessError(InputError):
    """A file could not be read, and nothing is known of its content."""


def _number(error: BaseException) -> int | None:
    """Return the errno of an error; HDF5 writes it into messages of errors of any class."""
    number = getattr(error, "errno", None)
    if isinstance(number, int):
        return number
    found = IN_MESSAGE.search(str(error))
    return int(found[1]) if found else None


def _reason(error: BaseException) -> str | None:
    """Return what kept a file from being read, and what to do; None where its content did."""
    if "already open for write" in str(error):
        return (
            f"another program has it open for writing, or ended before it closed it; wait until it is closed, {AGAIN}"
        )
    number = _number(error)
    if number is None:
        return None
    name = f"{errno.errorcode.get(number, number)}, {os.strerror(number)}"
    if number in WITHOUT_LOCKS and "lock" in str(error).lower():
        return (
            f"its file system gives no locks ({name}), and {LOCKING}={os.environ.get(LOCKING, '')} in the environment"
            f" asks for one; set {LOCKING}=FALSE, {AGAIN}"
        )
    if number in LOCKED or (number in FORBIDDEN and "unable to lock" in str(error)):
        return (
            f"another program holds a lock on it ({name}); wait until that has closed it, or, where it only reads,"
            f" set {LOCKING}=FALSE, {AGAIN}"
        )
    if number in FORBIDDEN:
        return (
            f"you have no permission to read it ({name}); have its owner permit it, on the file and on the folders"
            f" above, {AGAIN}"
        )
    if number in (*OF_THE_CONTENT, *OF_THE_NAME):
        return None
    return f"the system cannot read it ({name}), whatever it holds; see that its disk or network answers, {AGAIN}"


def no_access(path: Path, error: BaseException) -> NoAccessError | None:
    """Return the error for a file that could not be read for a reason that lies outside of it; None for others."""
    reason = _reason(error)
    return None if reason is None else NoAccessError(f"{path}: {reason}.")


def unreadable(path: Path, what: str, error: BaseException) -> InputError:
    """Return the error of a file of this project that cannot be read: no access, or damage, which says what to delete.

    Args:
        path: of the file.
        what: cannot be read.
        error: that was raised.
    """
    return no_access(path, error) or damaged(path, f"{what} cannot be read ({error})")
