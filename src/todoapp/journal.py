"""What makes a page view outlast a power cut: a small file, written in place and synced.

A save is seen by every process as soon as its file is renamed into place, and outlasts the death of
any. Only a power cut can undo it, until file and directory are synced; for that the file system
writes to its own journal twice, which takes longer than all else in a page view. So the same bytes
are written here as well, in place, where one sync of the data is enough. Two slots take turns: a
power cut can damage only the slot that is being written, whose page views are not answered yet.
"""

import contextlib
import hashlib
import os
from dataclasses import dataclass

JOURNAL = ".cache_metadata.json.journal"

SLOT = 4096
"""Bytes: a page of memory."""

MOST = SLOT - 128
"""Bytes of content that a slot has room for; a save takes some 400."""


@dataclass(frozen=True, slots=True)
class Record:
    """A save: the `number`th since the file was made."""

    number: int
    content: bytes


def append(directory: int, content: bytes) -> None:
    """Make up to `MOST` bytes durable. For the holder of the volume's lock; OSError where that fails."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(JOURNAL, flags, 0o644, dir_fd=directory)
    try:
        if os.fstat(file).st_size != 2 * SLOT:
            os.ftruncate(file, 0)
            os.pwrite(file, bytes(2 * SLOT), 0)
            os.fsync(file)
            os.fsync(directory)
        last = _last(file)
        number = last.number + 1 if last else 1
        digest = hashlib.sha256(b"%d %s" % (number, content)).hexdigest().encode()
        os.pwrite(file, b"%s %d %d\n%s" % (digest, number, len(content), content), number % 2 * SLOT)
        getattr(os, "fdatasync", os.fsync)(file)  # macOS has no fdatasync
    finally:
        os.close(file)


def newest(directory: int) -> bytes | None:
    """What was made durable last; None where there is no such thing, or it cannot be read."""
    try:
        file = os.open(JOURNAL, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    except OSError:
        return None
    try:
        last = _last(file)
    except OSError:
        return None
    finally:
        os.close(file)
    return last.content if last else None


def forget(directory: int) -> None:
    """Remove what the journal holds; it belongs to files that are no more."""
    with contextlib.suppress(OSError):  # there is none, or the volume is read-only
        os.unlink(JOURNAL, dir_fd=directory)


def _last(file: int) -> Record | None:
    records = [_record(os.pread(file, SLOT, slot * SLOT)) for slot in range(2)]
    return max(filter(None, records), key=lambda record: record.number, default=None)


def _record(slot: bytes) -> Record | None:
    """What a slot holds; None where it was never written, or not to its end."""
    head, _, rest = slot.partition(b"\n")
    try:
        digest, number, size = head.split(b" ")
        content = rest[: int(size)]
        whole = hashlib.sha256(b"%d %s" % (int(number), content)).hexdigest().encode() == digest
    except ValueError:
        return None
    return Record(int(number), content) if whole else None
