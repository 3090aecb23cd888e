"""The volume: the one module that touches the files in `CACHE_DIR`.

`cached_image.jpg` and `cache_metadata.json` are read and written only while the volume's locks are
held, so all processes on one volume take turns, those of other nodes too. Every file is written whole under a
name of its own and renamed into place. A new picture takes effect at the rename of the *metadata*,
which name its SHA-256: whoever finds that picture still waiting as `NEXT_PICTURE` finishes the job.
So a process may be killed at any instant. A new picture is synced before and after each rename; a
page view, of which there are many, by way of the `journal`. So the power may be cut at any instant.
All names are fixed, so nothing piles up.
"""

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from todoapp import journal
from todoapp.metadata import Metadata, decode, encode
from todoapp.picture import MAX_BYTES, identify
from todoapp.policy import State

PICTURE = "cached_image.jpg"
METADATA = "cache_metadata.json"
NEXT_PICTURE = f".{PICTURE}.next"
NEXT_METADATA = f".{METADATA}.next"
LOCK = ".lock"
REFRESH_LOCK = ".refresh.lock"

MAX_METADATA_BYTES = 64 * 1024

LOCK_TIMEOUT = 2.0
"""Seconds to wait for the others on this volume. A turn takes about a millisecond."""

Signature = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What lies on the volume: the state, its picture's bytes, and in a line what is damaged."""

    state: State = field(default_factory=State)
    content: bytes | None = None
    damage: str | None = None


class Store:
    """The volume at `directory`, which is made when it is missing.

    `found` is what lay there when this process last loaded or saved; `loaded` says whether it has
    been able to load it by now. `load`, `save` and `replace` are to be called within `locked`; they
    may raise OSError. One thread at a time.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.found = Found()
        self.loaded = False
        self._picture_path = str(directory / PICTURE)
        self._open = -1
        self._seen: bytes | None = None
        self._lasting = False
        self._signature: Signature = None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep the volume to this process until the end of the block.

        By two locks, since NFS tells its server of a file's lock, but of no directory's, while a file
        may be missing: on a full volume, or because somebody has removed it. The directory is opened
        last, and anew each time: it may have been made again, and what NFS knows of its names is as
        old as that. OSError where that fails, TimeoutError (one as well) where another process does
        not let go.
        """
        deadline = time.monotonic() + LOCK_TIMEOUT
        file = self._open_lock(LOCK)
        if file is None and not os.path.lexists(self.directory):
            self.directory.mkdir(parents=True, exist_ok=True)
            file = self._open_lock(LOCK)
        with contextlib.ExitStack() as locks:  # what is closed is unlocked
            if file is not None:
                locks.callback(os.close, file)
                _wait(file, deadline)
            self._open = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            locks.callback(self._close)
            _wait(self._open, deadline)
            yield

    def _close(self) -> None:
        os.close(self._open)
        self._open = -1

    @contextlib.contextmanager
    def refreshing(self) -> Iterator[bool]:
        """Whether this process is the one that fetches, until the end of the block.

        Where the volume cannot hold the file for this lock, every process has to fetch for itself.
        """
        file = self._open_lock(REFRESH_LOCK)
        if file is None:
            yield True
            return
        try:
            yield _lock(file)
        finally:
            os.close(file)

    def picture_changed(self) -> bool:
        """Whether another picture lies there than `found` tells of. One `stat`, no lock needed."""
        return _signature(self._picture_path) != self._signature

    def load(self) -> Found:
        """What lies there now; parsed and hashed only where it is not what was last seen."""
        content = self._read(METADATA, MAX_METADATA_BYTES)
        signature = _signature(PICTURE, self._open)
        # The bytes are compared, not the file's times: two saves can fall into one tick of them.
        if content is None or content != self._seen or signature != self._signature:
            self.found = self._load(content)
            self._seen, self._signature = content, _signature(PICTURE, self._open)
        self.loaded = True
        return self.found

    def save(self, state: State) -> None:
        """Make `state` durable; its picture is the one that lies there."""
        self._commit(Found(state=state, content=self.found.content), journaled=self._lasting)

    def replace(self, state: State, content: bytes) -> None:
        """Make `state` durable together with its new picture, `content`."""
        self._write(NEXT_PICTURE, content)
        self._commit(Found(state=state, content=content), journaled=False)
        seen, self._seen = self._seen, None  # load all again, if the next line fails
        self._rename(NEXT_PICTURE, PICTURE)
        self._seen, self._signature = seen, _signature(PICTURE, self._open)

    def _commit(self, found: Found, *, journaled: bool) -> None:
        """Save `found`; synced by way of the journal, which only adds to files that are synced already."""
        metadata = encode(found.state)
        journaled = journaled and len(metadata) <= journal.MOST
        self._write(NEXT_METADATA, metadata, sync=not journaled)
        os.rename(NEXT_METADATA, METADATA, src_dir_fd=self._open, dst_dir_fd=self._open)
        self.found, self._seen = found, metadata
        if journaled:
            journal.append(self._open, metadata)
        else:
            os.fsync(self._open)
            self._lasting = True

    def _open_lock(self, name: str) -> int | None:
        """The file of this name, made where it is missing; None where the volume cannot hold it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(self.directory / name, flags, 0o644)
        except OSError:
            return None

    def _load(self, content: bytes | None) -> Found:
        self._lasting = False  # not known to have been synced: the next save does it
        damage = []
        metadata = Metadata(state=State(), sha256=None)
        try:
            if content is None:
                journal.forget(self._open)
            else:
                metadata = decode(content)
        except ValueError as error:
            damage.append(f"{METADATA} is damaged ({error})" if content else f"{METADATA} is empty")
        if metadata.wrong:
            damage.append(f"{METADATA} has bad values ({', '.join(metadata.wrong)})")
        if damage:
            self._keep_copy(METADATA)
        metadata = self._newer(metadata, damaged=bool(damage))
        picture = self._load_picture(metadata.sha256)
        if picture is None and (metadata.sha256 or self._exists(PICTURE)):
            damage.append(f"{PICTURE} is missing, cut short or another one")
            self._keep_copy(PICTURE)
        return Found(
            state=self._complete(metadata.state, picture),
            content=picture,
            damage="; ".join(damage) or None,
        )

    def _newer(self, metadata: Metadata, *, damaged: bool) -> Metadata:
        """What the journal knows better: after a power cut the metadata may be old, or cut short."""
        content = journal.newest(self._open)
        if content is None:
            return metadata
        journaled = decode(content)
        more = journaled.state.access_count > metadata.state.access_count
        same = journaled.sha256 == metadata.sha256 or (damaged and metadata.sha256 is None)
        return journaled if more and same else metadata

    def _load_picture(self, sha256: str | None) -> bytes | None:
        """The whole picture that the metadata mean; any, where they mean none (the original's)."""
        for name in (PICTURE, NEXT_PICTURE) if sha256 else (PICTURE,):
            content = self._read(name, MAX_BYTES)
            picture = identify(content) if content else None
            if picture and sha256 in {None, picture.sha256}:
                with contextlib.suppress(OSError):  # a volume that is read-only by now
                    if name == PICTURE:
                        os.unlink(NEXT_PICTURE, dir_fd=self._open)  # never took effect
                    else:
                        self._rename(NEXT_PICTURE, PICTURE)
                return content
        return None

    def _complete(self, state: State, content: bytes | None) -> State:
        """The state with its picture; the file's time stands in for a lost download time."""
        if content is None:
            return state._replace(downloaded_at=None, grace_used=False, image_access_count=0)
        downloaded_at = state.downloaded_at
        if downloaded_at is None:
            downloaded_at = os.stat(PICTURE, dir_fd=self._open).st_mtime
        return state._replace(picture=identify(content), downloaded_at=downloaded_at)

    def _read(self, name: str, most: int) -> bytes | None:
        """A file's content, None where there is none; not more than a byte over `most`."""
        # Not blocking: it may be a pipe. Nothing says that all in this directory is ours.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            file = os.open(name, flags, dir_fd=self._open)
        except FileNotFoundError:
            return None
        with open(file, "rb") as reader:  # noqa: PTH123 - an open file, no path
            return reader.read(most + 1) if stat.S_ISREG(os.fstat(file).st_mode) else b""

    def _write(self, name: str, content: bytes, *, sync: bool = True) -> None:
        """Write a whole file; nothing of it stays where that fails."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(name, flags, 0o644, dir_fd=self._open)
        try:
            try:
                rest = memoryview(content)
                while rest:
                    rest = rest[os.write(file, rest) :]
                if sync:
                    os.fsync(file)
            finally:
                os.close(file)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=self._open)
            raise

    def _rename(self, old: str, new: str) -> None:
        os.rename(old, new, src_dir_fd=self._open, dst_dir_fd=self._open)
        os.fsync(self._open)

    def _exists(self, name: str) -> bool:
        return _signature(name, self._open) is not None

    def _keep_copy(self, name: str) -> None:
        """Let the user find a damaged file after it has been replaced. The newest one is kept."""
        signature = _signature(name, self._open)
        if signature is None or signature[-1] == 0:
            return
        kept = f".{name}.damaged"
        with contextlib.suppress(OSError):
            os.unlink(kept, dir_fd=self._open)
        with contextlib.suppress(OSError):
            os.link(name, kept, src_dir_fd=self._open, dst_dir_fd=self._open)


def _signature(path: str, directory: int | None = None) -> Signature:
    """What tells a picture file from another without reading it; None where there is none."""
    try:
        found = os.stat(path, dir_fd=directory)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _lock(file: int) -> bool:
    """Whether the lock is ours now. It is where the file system has none: whoever asks is alone there."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}:
            raise
    return True


def _wait(file: int, deadline: float) -> None:
    """Take the lock, with a limit that blocking `flock` does not have."""
    pause = 0.0001
    while not _lock(file):
        if time.monotonic() > deadline:
            message = f"another process has held it for over {LOCK_TIMEOUT:g} s"
            raise TimeoutError(errno.ETIMEDOUT, message)
        time.sleep(pause)
        pause = min(2 * pause, 0.002)
