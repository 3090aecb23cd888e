"""The volume of the local target: a directory, by its path and as a process sees it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from todoctl import directory
from todoctl.commands import SILENT, Commands
from todoctl.home import make_directory, not_writable
from todoctl.targets.local import process
from todoctl.targets.volume import File, Side, require_aside, unreadable


class LocalVolume:
    """`volume/cache` in the `home` of the target; see `todoctl.targets.volume.Volume` for its methods."""

    def __init__(self, home: Path, commands: Commands = SILENT) -> None:
        self._commands = commands
        self.path = home / "volume" / "cache"
        self._home = home
        self._aside = home / "volume" / "cache.set-aside"
        self._detached = home / "volume" / "cache.detached"

    @property
    def directory(self) -> str:
        name = os.fsencode(self.path).decode(errors="surrogateescape")
        return name.encode(errors="backslashreplace").decode()  # as in the log: see process.LOG_ENCODING

    def host(self) -> Side:
        """The directory by its path here, also while it is out of the app's reach."""
        return DirectorySide("this machine", self._place())

    def sides(self) -> tuple[Side, Side]:
        """`host`, and the directory as the running process sees it."""
        running, *_ = process.require(self._home)
        path = Path(process.environment(running)["CACHE_DIR"])
        return self.host(), inside(running, path)

    def close(self) -> None:
        """Reading a directory begins nothing."""

    def is_set_aside(self) -> bool:
        return self._aside.exists()

    def set_aside(self) -> None:
        make_directory(self.path)
        self._move(self.path, self._aside)

    def empty(self) -> None:
        """The app makes the directory itself, as on a cluster."""
        require_aside(self)
        self._remove(self._detached)
        self._remove(self.path)

    def put(self, name: str, content: bytes | None) -> None:
        require_aside(self)
        place = self._place()
        path = place / name
        if content is None:
            self._remove(path)
            return
        self._make(place)
        self._commands.tell(["cp", name, str(path)])
        with _told(path):
            path.write_bytes(content)

    def detach(self) -> None:
        """A file lies in the place of the directory, which stops even root."""
        require_aside(self)
        with self._halted():
            self._make(self.path)
            self._move(self.path, self._detached)
            self._commands.tell(["touch", str(self.path)])
            self.path.touch()

    def attach(self) -> None:
        require_aside(self)
        with self._halted():
            self._remove(self.path)
            self._move(self._detached, self.path)

    @contextmanager
    def _halted(self) -> Iterator[None]:
        """An app that went on would make a directory where there is none for a moment, and count there."""
        with _told(self.path), process.halted(process.find(self._home)):
            yield

    def _place(self) -> Path:
        """Where the files are now."""
        return self._detached if self._detached.exists() else self.path

    def put_back(self) -> None:
        """One rename decides: before it the set-aside cache is whole, after it it is back."""
        if self.is_set_aside():
            self._remove(self._detached)
            self._remove(self.path)
            self._move(self._aside, self.path)

    # Each with the command that does the same

    def _make(self, path: Path) -> None:
        if not path.exists():
            self._commands.tell(["mkdir", "-p", str(path)])
            make_directory(path)

    def _move(self, path: Path, target: Path) -> None:
        self._commands.tell(["mv", str(path), str(target)])
        with _told(target):
            path.rename(target)

    def _remove(self, path: Path) -> None:
        if path.exists():
            self._commands.tell(["rm", "-rf", str(path)])
            remove(path)


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
    """The directory that the process calls `path`."""
    root = Path(f"/proc/{running.pid}/root")
    if root.exists():  # Linux: really through the process; elsewhere it shares our root anyway
        path = root / path.relative_to("/")
    return DirectorySide("the process", path)


def remove(path: Path) -> None:
    """Removes a file or a directory with all that is in it, where it is there."""
    with _told(path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What cannot be done to `path` is told in one line."""
    try:
        yield
    except OSError as error:
        raise not_writable(path, error) from None
