"""The compression filters of a volume's datasets, read from a few hundred bytes of its file.

Asked of every volume while Snakemake parses: to import h5py and open thousands of files with it would be felt. What is
not understood here (groups of the newest format with many links) counts as no filter, and is met by the job that reads
the volume. In brackets: sections of the HDF5 file format specification, version 3.0.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

HAS_ALWAYS = frozenset({1, 2, 3, 5, 6, 32000})
"""Numbers of the filters that every HDF5 and h5py has: deflate, shuffle, Fletcher-32, n-bit, scale and offset, LZF."""
HEAD, BLOCK, LONGEST = 8192, 1024, 65536
"""Bytes read at a time; a damaged file may ask for any number."""
LINK, PIPELINE, CONTINUATION, SYMBOL_TABLE = 0x06, 0x0B, 0x10, 0x11
"""Types of messages in an object's header [IV.A.2]."""
MOST_BLOCKS = 64
"""Of a header or a group: a damaged file may lead in circles."""


@dataclass(frozen=True)
class _File:
    """An open file whose addresses count from `base`; `head` is how it begins there, where headers mostly are."""

    number: int
    base: int
    head: bytes

    def read(self, address: int, length: int = BLOCK) -> bytes:
        if address + length <= len(self.head):
            return self.head[address : address + length]
        return os.pread(self.number, min(length, LONGEST), self.base + address)


def dataset_filters(number: int, start: int, names: tuple[str, ...]) -> frozenset[int]:
    """Return the numbers of the filters of some datasets of the root group; none where they cannot be told from here.

    Args:
        number: of the open file, as the system counts.
        start: where HDF5 begins in it.
        names: of the datasets.

    Raises:
        OSError: where the file cannot be read.
    """
    try:
        return _filters(number, start, {name.encode() for name in names})
    except (struct.error, IndexError, ValueError, OverflowError):
        return frozenset()


def _filters(number: int, start: int, names: set[bytes]) -> frozenset[int]:
    head = os.pread(number, HEAD, start)
    if head[8] < 2:  # [II.A]
        more = 4 * head[8]
        (base,), (root,) = struct.unpack_from("<Q", head, 24 + more), struct.unpack_from("<Q", head, 64 + more)
    else:
        (base,), (root,) = struct.unpack_from("<Q", head, 12), struct.unpack_from("<Q", head, 36)
    file = _File(number, base, head if base == start else b"")
    found: set[int] = set()
    for name, address in _links(file, root):
        if name in names:
            for kind, content in _messages(file, address):
                if kind == PIPELINE:
                    found.update(_numbers(content))
    return frozenset(found)


def _messages(file: _File, address: int) -> Iterator[tuple[int, bytes]]:
    """Give the messages of an object's header, as (type, content) [IV.A.1]."""
    head = file.read(address)
    if head[:4] == b"OHDR":
        flags = head[5]
        sized = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(head[sized : sized + width], "little")
        blocks = [(address + sized + width, size)]
        form, more, around = "<BHB", 2 if flags & 0x04 else 0, 4
    else:
        (size,) = struct.unpack_from("<I", head, 8)
        blocks = [(address + 16, size)]
        form, more, around = "<HHB", 3, 0
    length = struct.calcsize(form) + more
    for _ in range(MOST_BLOCKS):
        if not blocks:
            return
        place, size = blocks.pop(0)
        offset, content = 0, file.read(place, size)
        while offset + length <= len(content):
            kind, inside, _ = struct.unpack_from(form, content, offset)
            message = content[offset + length : offset + length + inside]
            offset += length + inside
            if kind == CONTINUATION:
                further, long = struct.unpack_from("<QQ", message)
                # In the newer format between a signature and a checksum.
                blocks.append((further + around, long - 2 * around))
            else:
                yield kind, message


def _links(file: _File, group: int) -> Iterator[tuple[bytes, int]]:
    """Give the names of a group with the addresses of their objects' headers: old groups, and new ones of few links."""
    for kind, content in _messages(file, group):
        if kind == SYMBOL_TABLE:
            yield from _symbols(file, *struct.unpack_from("<QQ", content))
        elif kind == LINK:  # [IV.A.2.g]
            flags, offset = content[1], 2 + sum(size for bit, size in ((8, 1), (4, 8), (16, 1)) if content[1] & bit)
            if flags & 8 and content[2] != 0:
                continue
            width = 1 << (flags & 3)
            long = int.from_bytes(content[offset : offset + width], "little")
            name = content[offset + width : offset + width + long]
            yield name, *struct.unpack_from("<Q", content, offset + width + long)


def _symbols(file: _File, tree: int, heap: int) -> Iterator[tuple[bytes, int]]:
    """Give the links of an old group: a B-tree [III.A.1] of tables of symbols [III.B], names in a heap [III.D]."""
    (names,) = struct.unpack_from("<Q", file.read(heap, 32), 24)
    waiting = [tree]
    for _ in range(MOST_BLOCKS):
        if not waiting:
            return
        node = file.read(waiting.pop())
        if node[:4] == b"TREE":
            (used,) = struct.unpack_from("<H", node, 6)
            waiting += [struct.unpack_from("<Q", node, 32 + 16 * place)[0] for place in range(used)]
        elif node[:4] == b"SNOD":
            (used,) = struct.unpack_from("<H", node, 6)
            for place in range(used):
                name, address = struct.unpack_from("<QQ", node, 8 + 40 * place)
                yield file.read(names + name, 256).partition(b"\0")[0], address


def _numbers(pipeline: bytes) -> Iterator[int]:
    """Give the filters' numbers in a pipeline's message [IV.A.2.l]."""
    version, count = pipeline[:2]
    offset = 8 if version == 1 else 2
    for _ in range(count):
        (number,) = struct.unpack_from("<H", pipeline, offset)
        named = version == 1 or number >= 256
        long = struct.unpack_from("<H", pipeline, offset + 2)[0] if named else 0
        (values,) = struct.unpack_from("<H", pipeline, offset + (6 if named else 4))
        offset += (8 if named else 6) + long + 4 * (values + (values % 2 if version == 1 else 0))
        yield number
