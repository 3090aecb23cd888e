"""The local target: the app as a background process on this machine. Needs no Docker."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from todoctl import process, sides
from todoctl.client import Client
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.home import Home, damaged, make_directory, not_writable, read_json, write_json
from todoctl.settings import Settings, seconds
from todoctl.target import Finding, ImageService, Progress, Side, require_aside

if TYPE_CHECKING:
    import subprocess

START_SECONDS = 60.0
"""The app answers within one; a busy machine may need many."""

POLL_SECONDS = 0.01


class LocalTarget:
    """Runs the app bound to 127.0.0.1, with volume, log and state below `home`.

    `volume/cache` is the app's cache directory. `state.json` says what `up` was asked for; what runs is
    not written down but found (see `todoctl.process`).
    """

    name = "local"
    rolling = False

    def __init__(self, home: Home) -> None:
        self.directory = home.path / "local"
        self._state = self.directory / "state.json"
        self._log = self.directory / "app.log"
        self._cache = self.directory / "volume" / "cache"
        self._aside = self.directory / "volume" / "cache.set-aside"
        self._child: subprocess.Popen[bytes] | None = None

    # What there is

    def findings(self, port: int) -> list[Finding]:
        """What this machine has and lacks for the local target."""
        home = self.directory.parent
        there = next(path for path in (home, *home.parents) if path.exists())
        found = [
            Finding(subject="Python", ok=True, seen=sys.version.split()[0]),
            Finding(
                subject="State directory",
                ok=there.is_dir() and os.access(there, os.W_OK | os.X_OK),
                seen=str(home),
                fix=f"Make {there} writable, or name another directory in TODOCTL_HOME",
            ),
        ]
        if self._runs_on(port):
            found.append(Finding(subject=f"Port {port}", ok=True, seen="held by todoctl's own app"))
            return found
        try:
            process.check_port_free(port)
            found.append(Finding(subject=f"Port {port}", ok=True, seen="free"))
        except UnavailableError as error:
            found.append(Finding(subject=f"Port {port}", ok=False, seen=error.why, fix=error.fix))
        return found

    def settings(self) -> Settings | None:
        """What `up` was last asked for; raises `UnavailableError` where that file is damaged."""
        stored = read_json(self._state)
        if stored is None:
            return None
        try:
            return Settings.from_json(stored)
        except (KeyError, TypeError, ValueError, BadUsageError) as error:
            raise damaged(self._state, str(error) or repr(error)) from None

    def instances(self) -> frozenset[str]:
        """The process that runs the app, as `pid 1234`."""
        return frozenset(f"pid {running.pid}" for running in process.find(self.directory))

    def details(self) -> dict[str, str]:
        """Process, volume and log."""
        return {
            "Runs as": ", ".join(sorted(self.instances())) or "nothing: 'todoctl up' starts it",
            "Volume": str(self._cache),
            "Log": str(self._log),
        }

    def logs(self, *, follow: bool, lines: int) -> Iterator[str]:
        """The log's last lines; with `follow` it goes on until it is interrupted."""
        try:
            log = self._log.open(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        with log:
            yield from (line.rstrip("\n") for line in log.readlines()[-lines:] if lines)
            while follow:
                line = log.readline()
                if line:
                    yield line.rstrip("\n")
                else:
                    time.sleep(0.2)

    @property
    def cache_directory(self) -> str:
        return str(self._cache)

    def sides(self) -> tuple[Side, Side]:
        """The directory by its path here, and as the running process sees it."""
        running, *_ = self._require()
        path = Path(_environment(running)["CACHE_DIR"])
        return sides.DirectorySide("this machine", self._cache), sides.inside(running, path)

    def _require(self) -> list[psutil.Process]:
        running = process.find(self.directory)
        if not running:
            raise UnavailableError("The app does not run", fix="Start it with 'todoctl up'")
        return running

    # Up and down

    def up(self, settings: Settings, progress: Progress) -> bool:
        """Starts the app, or restarts it where `settings` differ; a failed first start leaves nothing."""
        before = self.settings()
        running = self._runs_on(settings.port)
        if before == settings and running:
            return False
        if not running:
            process.check_port_free(settings.port)
        first = before is None and not self.directory.exists()
        try:
            with progress.step("Prepare the volume"):
                make_directory(self._cache)
                write_json(self._state, settings.to_json())
            if process.find(self.directory):
                with progress.step("Stop the app, keeping its volume"):
                    self.stop()
            with progress.step("Start the app"):
                self.start(settings)
        except BaseException:
            if first:
                self.stop()
                shutil.rmtree(self.directory, ignore_errors=True)
            raise
        return True

    def down(self, progress: Progress, *, keep_data: bool) -> bool:
        """Stops the app and removes its log and state and, unless `keep_data`, its volume."""
        running = process.find(self.directory)
        if not running and not self.directory.exists():
            return False
        if running:
            with progress.step("Stop the app"):
                self.stop()
        if not keep_data:
            with progress.step("Remove volume, log and state"):
                self._remove(self.directory)
            return True
        changed = bool(running) or self._state.exists()
        if changed:
            with progress.step("Remove log and state, keep the volume"):
                self._remove(self._log)
                self._remove(self._state)
        return changed

    def _remove(self, path: Path) -> None:
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise not_writable(path, error) from None

    def _runs_on(self, port: int) -> bool:
        """Whether the app runs and is bound to `port`."""
        for running in process.find(self.directory):
            try:
                return running.environ().get("PORT") == str(port)
            except psutil.Error:
                continue
        return False

    # For validate

    def restart(self) -> None:
        """A new process with the settings of the old one."""
        self._replace(process.stop)

    def kill(self) -> None:
        """As `restart`, but the old one gets no notice."""
        self._replace(process.kill)

    def _replace(self, end: Callable[[list[psutil.Process]], None]) -> None:
        running = self._require()
        environment = _environment(running[0])
        end(running)
        self._bury()
        self.start(
            Settings(
                port=int(environment["PORT"]),
                ttl=float(environment["CACHE_TTL"]),
                image_url=environment["IMAGE_URL"],
            )
        )

    def image_service(self) -> AbstractContextManager[ImageService]:
        """In a thread of this process."""
        from todoctl.image_service.here import running_here

        return running_here()

    def stop(self) -> None:
        process.stop(process.find(self.directory))
        self._bury()

    def _bury(self) -> None:
        if self._child:
            self._child.poll()

    def start(self, settings: Settings) -> None:
        """Starts a process; raises with the log's last line where it ends or never answers."""
        process.check_port_free(settings.port)
        child = self._child = process.spawn(
            self.directory,
            {
                "HOST": "127.0.0.1",
                "PORT": str(settings.port),
                "CACHE_DIR": str(self._cache),
                "CACHE_TTL": seconds(settings.ttl),
                "IMAGE_URL": settings.image_url,
                "LOG_LEVEL": os.environ.get("LOG_LEVEL", "INFO"),
                "DRAIN_SECONDS": "0",  # no load balancer to wait for
            },
            self._log,
        )
        deadline = time.monotonic() + START_SECONDS
        with Client(f"http://127.0.0.1:{settings.port}") as client:
            while not client.is_ready():
                code = child.poll()
                if code is not None or time.monotonic() > deadline:
                    self.stop()
                    last = next(iter(self.logs(follow=False, lines=1)), "its log is empty")
                    raise UnavailableError(
                        "The app does not start"
                        if code is None
                        else f"The app ended with code {code} while starting",
                        why=last,
                        fix=f"See {self._log}",
                    )
                time.sleep(POLL_SECONDS)

    def is_set_aside(self) -> bool:
        return self._aside.exists()

    def set_aside(self) -> None:
        make_directory(self._cache)
        self._cache.rename(self._aside)
        make_directory(self._cache)

    def put_file(self, name: str, content: bytes | None) -> None:
        require_aside(self)
        path = self._cache / name
        if content is None:
            self._remove(path)
            return
        try:
            path.write_bytes(content)
        except OSError as error:
            raise not_writable(path, error) from None

    def empty(self) -> None:
        require_aside(self)
        self._remove(self._cache)
        make_directory(self._cache)

    def put_back(self) -> None:
        """One rename decides: before it the set-aside cache is whole, after it it is back."""
        if self.is_set_aside():
            self._remove(self._cache)
            self._aside.rename(self._cache)


def _environment(running: psutil.Process) -> dict[str, str]:
    """What the app was started with."""
    try:
        return running.environ()
    except psutil.Error as error:
        raise UnavailableError("The app's process cannot be examined", why=repr(error)) from None
