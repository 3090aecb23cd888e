"""todoctl's own directory: what it remembers, and the lock that keeps commands apart."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from todoctl.errors import LockedError, TodoctlError, UnavailableError

MADE = "made-by-todoctl"
"""A file in a state directory that was not there before: only such a one is removed again."""

HOME_FIX = "Make it writable, or name another one in TODOCTL_HOME"


class Home:
    """The state directory: `TODOCTL_HOME`, else `todoctl` in the user's state directory."""

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            from platformdirs import user_state_path

            chosen = os.environ.get("TODOCTL_HOME")
            path = Path(chosen) if chosen else user_state_path("todoctl", appauthor=False)
        self.path = path.expanduser().absolute()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps other commands that change something out; raises when one is at work.

        At the end the directory goes where nothing but the lock is left in it.
        """
        from filelock import FileLock, Timeout

        new = not self.path.exists()
        make_directory(self.path)
        if new:
            (self.path / MADE).touch()
        lock = FileLock(self.path / "lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise LockedError(
                "Another todoctl command is at work",
                why=f"{self.path / 'lock'} is locked",
                fix="Wait until it ends, or end it, and try again",
            ) from None
        except OSError as error:
            raise not_writable(self.path, error) from None
        try:
            yield
        finally:
            self._remove_if_empty()
            lock.release()

    def check_readable(self) -> None:
        """Raises where the directory may not be looked into: nobody knows then whether there is something."""
        try:
            (self.path / "lock").stat()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            what, why = f"The state directory {self.path} cannot be read", error.strerror or str(error)
            raise UnavailableError(what, why=why, fix=HOME_FIX) from None

    def tidy(self) -> None:
        """Removes the directory if nothing but the lock is left in it, unless a command is at work."""
        with suppress(OSError, UnavailableError):
            if self._is_empty():
                with self.lock():
                    pass

    def _is_empty(self) -> bool:
        return {entry.name for entry in self.path.iterdir()} <= {"lock", MADE}

    def _remove_if_empty(self) -> None:
        # Who holds the lock may remove its file: whoever waits for it finds that it has no name any more.
        with suppress(OSError):  # somebody else is using it: then it is not ours to remove
            if self._is_empty():
                (self.path / "lock").unlink(missing_ok=True)
                if (self.path / MADE).exists():
                    (self.path / MADE).unlink()
                    self.path.rmdir()


def not_writable(path: Path, error: OSError) -> UnavailableError:
    what, why = f"The state directory {path} cannot be written", error.strerror or str(error)
    return UnavailableError(what, why=why, fix=HOME_FIX)


def make_directory(path: Path) -> None:
    """Makes `path`; raises `UnavailableError` where that, or writing there, is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise not_writable(path, NotADirectoryError(20, "Not a directory")) from None
    except OSError as error:
        raise not_writable(path, error) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise not_writable(path, PermissionError(13, "Permission denied"))


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in `path`, None without that file; raises `UnavailableError` for a damaged one."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        what, why = f"The state file {path} cannot be read", error.strerror or str(error)
        raise UnavailableError(what, why=why, fix=HOME_FIX) from None
    except (ValueError, RecursionError):
        raise damaged(path, "it is no JSON") from None
    if not isinstance(value, dict):
        raise damaged(path, "it holds no JSON object")
    return value


def damaged(path: Path, why: str | Exception) -> UnavailableError:
    """Returns the error; `why` may be what making something of the file's content has raised."""
    if isinstance(why, Exception):
        bad = "a value in it is none that todoctl has written"
        why = why.what if isinstance(why, TodoctlError) else bad
    fix = f"Nothing was changed; mend the file, or remove it (rm '{path}') and run 'todoctl up'"
    return UnavailableError(f"The state file {path} is damaged", why=why, fix=fix)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replaces `path` in one step, so that an interruption leaves the old or the new content."""
    make_directory(path.parent)
    fresh = path.with_suffix(".tmp")
    try:
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)  # an image URL, and what is handed to k3d, may hold a password
        fresh.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise not_writable(path.parent, error) from None
