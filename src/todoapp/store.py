"""The volume: the one module that touches the files in `CACHE_DIR`.

`cached_image.jpg` and `cache_metadata.json` are read and written only while the volume's lock is held, so
all processes on one volume take turns. Every file is written whole under a name of its own and renamed
into place. A new picture takes effect at the rename of the *metadata*, which name its SHA-256: whoever
finds that picture still waiting as `NEXT_PICTURE` finishes the job. So a process may be killed at any
instant. A new picture is synced as well; page views, of which there are many, are not. All names are
fixed, so nothing piles up.
"""

import contextlib
import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from todoapp.policy import State
from todoapp.source import MAX_BYTES, identify

PICTURE = "cached_image.jpg"
METADATA = "cache_metadata.json"
NEXT_PICTURE = f".{PICTURE}.next"
NEXT_METADATA = f".{METADATA}.next"
REFRESH_LOCK = ".refresh.lock"

MAX_METADATA_BYTES = 64 * 1024

LOCK_SECONDS = 2.0
"""How long to wait for the others on this volume. A turn takes about a millisecond."""

UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EBADF}
"""Errors of a file system that has no locks, or cannot sync a directory: it does without."""

KEYS: dict[str, tuple[str, type]] = {
    # The original's keys, with their meaning there.
    "download_timestamp": ("downloaded_at", float),
    "last_access_time": ("last_access_at", float),
    "access_count": ("access_count", int),
    "image_access_count": ("image_access_count", int),
    "grace_period_used": ("grace_used", bool),
    # Ours.
    "fetch_error": ("fetch_error", str),
    "failures": ("failures", int),
    "failed_at": ("failed_at", float),
    "retry_after": ("retry_after", float),
}
"""Key of the metadata: the name in a `State`, and its type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What lies on the volume: the state, its picture's bytes, and in a line what is damaged.

    `saved`: there was a readable file of metadata, so that the counts are those that were saved last.
    """

    state: State = field(default_factory=State)
    content: bytes | None = None
    damage: str | None = None
    saved: bool = False


class Store:
    """The volume at `directory`, which is made when it is missing.

    `found` is what lay there when this process last loaded or saved; `loaded` says whether it has been able
    to load it by now. `load` and `save` are to be called within `locked`; they may raise OSError.
    One thread at a time.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.found = Found()
        self.loaded = False
        self._open = -1
        self._seen: tuple[bytes | None, object] | None = None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps the volume to this process until the end of the block.

        Raises OSError where the directory cannot be opened, TimeoutError (one as well) where another process
        does not let go. It is opened anew each time, since it may have been made again.
        """
        with contextlib.suppress(OSError):  # opening it says what is wrong
            self.directory.mkdir(parents=True, exist_ok=True)
        self._open = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            deadline = time.monotonic() + LOCK_SECONDS
            while not _lock(self._open):
                if time.monotonic() > deadline:
                    message = f"another process has held it for over {LOCK_SECONDS:g} s"
                    raise TimeoutError(errno.ETIMEDOUT, message)
                time.sleep(0.001)
            yield
        finally:
            os.close(self._open)  # which unlocks it

    def refresh_lock(self) -> contextlib.ExitStack | None:
        """Returns the right to fetch, to be closed at the end; None while another process has it.

        Where the volume cannot hold the file for this lock, every process fetches for itself.
        """
        right = contextlib.ExitStack()
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with contextlib.suppress(OSError):
            file = os.open(self.directory / REFRESH_LOCK, flags, 0o644)
            right.callback(os.close, file)
            if not _lock(file):
                right.close()
                return None
        return right

    def load(self) -> Found:
        """Returns what lies there now: the same object as before where nobody has changed it."""
        metadata = self._read(METADATA, MAX_METADATA_BYTES)
        # The bytes are compared, not the file's times: two saves can fall into one tick of them.
        if self._seen is None or self._seen != (metadata, self._signature(PICTURE)):
            self.found = self._load(metadata)
            self._seen = metadata, self._signature(PICTURE)
        self.loaded = True
        return self.found

    def forget(self) -> None:
        """Lets the next `load` take what lies there as new, whatever it is."""
        self._seen = None

    def save(self, held: Found) -> None:
        """Saves `held`; a new picture is synced as well, so that it outlasts a power cut."""
        if held is self.found or (held.state == self.found.state and not self.found.damage):
            return
        new = held.content if held.state.picture != self.found.state.picture else None
        if new is not None:
            self._write(NEXT_PICTURE, new, sync=True)
        metadata = encode(held.state)
        self._write(NEXT_METADATA, metadata, sync=new is not None)
        self._rename(NEXT_METADATA, METADATA)
        self.found = Found(state=held.state, content=held.content, saved=True)
        if new is not None:
            self._seen = None  # load all again, if one of the next lines fails
            _sync(self._open)
            self._rename(NEXT_PICTURE, PICTURE)
            _sync(self._open)
        self._seen = metadata, self._signature(PICTURE)

    def _load(self, content: bytes | None) -> Found:
        damage: list[str] = []
        state, sha256, saved = State(), None, False
        if content is not None:
            try:
                state, sha256, wrong = decode(content)
                saved = True
                if wrong:
                    damage.append(f"{METADATA} has bad values ({', '.join(wrong)})")
            except ValueError as error:
                damage.append(f"{METADATA} is damaged ({error})" if content else f"{METADATA} is empty")
        picture = self._load_picture(sha256)
        if picture is None and (sha256 or self._signature(PICTURE)):
            damage.append(f"{PICTURE} is missing, cut short or another one")
        state = self._complete(state, picture)
        return Found(state=state, content=picture, damage="; ".join(damage) or None, saved=saved)

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

    def _write(self, name: str, content: bytes, *, sync: bool) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(name, flags, 0o644, dir_fd=self._open)
        with open(file, "wb") as writer:  # noqa: PTH123 - an open file, no path
            writer.write(content)
            writer.flush()
            if sync:
                _sync(file)

    def _rename(self, old: str, new: str) -> None:
        os.rename(old, new, src_dir_fd=self._open, dst_dir_fd=self._open)

    def _signature(self, name: str) -> tuple[int, int, int] | None:
        """What tells a file from another without reading it; None where there is none."""
        try:
            found = os.stat(name, dir_fd=self._open)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size


def encode(state: State) -> bytes:
    """Returns the content of `cache_metadata.json` for `state`."""
    entries = {key: getattr(state, name) for key, (name, _) in KEYS.items()}
    entries["sha256"] = state.picture.sha256 if state.picture else None
    return json.dumps(entries, indent=1).encode() + b"\n"


def decode(content: bytes) -> tuple[State, str | None, list[str]]:
    """Returns the state without its picture, the picture's SHA-256, and the keys whose values are bad.

    A bad or missing value falls back by itself and does not take the others with it. What the picture is
    (type, size) is always read from its bytes. Raises ValueError where `content` is no JSON object.
    """
    try:
        entries = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(entries, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - bad content, not a bad call
    values, wrong = {}, []
    for key, (name, kind) in (KEYS | {"sha256": ("sha256", str)}).items():
        value = entries.get(key)
        if value is None:
            continue
        if _is_good(value, kind):
            values[name] = value
        else:
            wrong.append(key)
    sha256 = values.pop("sha256", None)
    return State(**values), sha256, wrong


def _is_good(value: object, kind: type) -> bool:
    if kind is float:  # a time; NaN is not in the range
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**53
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return isinstance(value, kind)


def _sync(file: int) -> None:
    """Waits until a file or directory is on its disk, on file systems that can do that."""
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise


def _lock(file: int) -> bool:
    """Whether the lock is ours now. It is where the file system has none: whoever asks is alone there."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
    return True
