"""The volume of the local target: a directory, by its path and as a process sees it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from todoctl import directory
from todoctl.state import make_directory, not_writable
from todoctl.targets.local import process
from todoctl.targets.volume import File, Side, require_aside, unreadable


class LocalVolume:
    """`volume/cache` in the `home` of the target; see `todoctl.targets.volume.Volume` for its methods."""

    def __init__(self, home: Path) -> None:
        self.path = home / "volume" / "cache"
        self._home = home
        self._aside = home / "volume" / "cache.set-aside"
        self._detached = home / "volume" / "cache.detached"

    @property
    def directory(self) -> str:
        name = os.fsencode(self.path).decode(errors="surrogateescape")
        return name.encode(errors="backslashreplace").decode()  # as in the log: see process.LOG_ENCODING

    def host(self) -> Side:
        """Returns the directory by its path here, also while it is out of the app's reach."""
        return DirectorySide("this machine", self._current())

    def sides(self) -> tuple[Side, Side]:
        """Returns `host`, and the directory as the running process sees it."""
        running, *_ = process.require(self._home)
        path = Path(process.environment(running)["CACHE_DIR"])
        return self.host(), inside(running, path)

    def close(self) -> None:
        """Does nothing: reading a directory begins nothing."""

    def is_set_aside(self) -> bool:
        return self._aside.exists()

    def set_aside(self) -> None:
        make_directory(self.path)
        _move(self.path, self._aside)

    def empty(self) -> None:
        """Removes the directory: the app makes it itself, as on a cluster."""
        require_aside(self)
        remove(self._detached)
        remove(self.path)

    def put(self, name: str, content: bytes | None) -> None:
        require_aside(self)
        path = self._current() / name
        if content is None:
            remove(path)
            return
        make_directory(self._current())
        with _writing(path):
            path.write_bytes(content)

    def detach(self) -> None:
        """Puts a file where the directory was, which stops even root."""
        require_aside(self)
        with self._halted():
            make_directory(self.path)
            _move(self.path, self._detached)
            self.path.touch()

    def attach(self) -> None:
        require_aside(self)
        with self._halted():
            remove(self.path)
            _move(self._detached, self.path)

    def put_back(self) -> None:
        """One rename decides: before it the set-aside cache is whole, after it it is back."""
        if self.is_set_aside():
            remove(self._detached)
            remove(self.path)
            _move(self._aside, self.path)

    @contextmanager
    def _halted(self) -> Iterator[None]:
        """An app that went on would make a directory if there is none for a moment, and count there."""
        with _writing(self.path), process.halted(process.find(self._home)):
            yield

    def _current(self) -> Path:
        """Returns where the files are now."""
        return self._detached if self._detached.exists() else self.path


class DirectorySide:
    """A directory of this machine; see `todoctl.targets.volume.Side`."""

    def __init__(self, who: str, path: Path) -> None:
        self.seen_from = f"{who}: {path}"
        self._path = path

    def read(self) -> list[File]:
        try:
            seen = directory.read(str(self._path))
        except OSError as error:
            raise unreadable(error.strerror or str(error)) from None
        return [
            File(name=name, size=size, modified=at / 1e9, content=content) for name, size, at, content in seen
        ]


def inside(running: psutil.Process, path: Path) -> DirectorySide:
    """Returns the directory that the process calls `path`."""
    root = Path(f"/proc/{running.pid}/root")
    if root.exists():  # Linux: really through the process; elsewhere it shares our root anyway
        path = root / path.relative_to("/")
    return DirectorySide("the process", path)


def remove(path: Path) -> None:
    """Removes a file or a directory with all that is in it, if it is there."""
    with _writing(path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _move(path: Path, target: Path) -> None:
    with _writing(target):
        path.rename(target)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Raises `UnavailableError` if the block cannot write."""
    try:
        yield
    except OSError as error:
        raise not_writable(path, error) from None
