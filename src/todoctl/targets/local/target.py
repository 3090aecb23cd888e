"""The local target: the app as a background process on this machine. Needs no Docker."""

import os
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from todoctl import directory, ports
from todoctl.client import Client
from todoctl.errors import BadUsageError, CommandFailedError, TodoctlError, UnavailableError
from todoctl.restore import put_cache_back
from todoctl.settings import Settings, seconds
from todoctl.state import HOME_FIX, Home, damaged, make_directory, not_writable, read_json, write_json
from todoctl.targets.base import (
    Deployment,
    Endpoint,
    File,
    Finding,
    Marker,
    Progress,
    Traits,
    View,
    Volume,
    port_finding,
    printable,
    unreadable,
)
from todoctl.targets.local import process

if TYPE_CHECKING:
    from todoctl.image_service.client import Controlled

START_SECONDS = 60.0
"""The app answers within one; a busy machine may need many."""

POLL_SECONDS = 0.01


class LocalTarget:
    """Runs the app bound to 127.0.0.1, with volume, log and state below `home`.

    `volume/cache` is the app's cache directory. `state.json` says what `up` was asked for; what runs is
    not written down but found (see `process`).
    """

    traits = Traits(name="local", rolling=False, start_seconds=0.6)

    def __init__(self, home: Home) -> None:
        self.directory = home.path / "local"
        self._state = self.directory / "state.json"
        self._log = self.directory / "app.log"
        self._cache = self.directory / "volume" / "cache"
        self.marker = Marker(self.directory)
        self.volume = Volume(
            ThisMachine(),
            str(self._cache),
            printable(str(self._cache)),
            self._seen_by_the_app,
            halted=lambda: process.halted(process.find(self.directory)),
        )
        self._children: list[subprocess.Popen[bytes]] = []

    # What there is

    def findings(self, port: int) -> list[Finding]:
        """Returns what this machine has and lacks for the local target."""
        home = self.directory.parent
        there = next(path for path in (home, *home.parents) if os.access(path, os.F_OK))
        writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
        found = [
            Finding(subject="Python", ok=True, seen=sys.version.split()[0]),
            Finding(
                subject="State directory",
                ok=writable,
                seen=str(home) if writable else f"{home} cannot be written",
                fix=HOME_FIX,
            ),
        ]
        if process.runs_on(self.directory, port):
            return [*found, Finding(subject=f"Port {port}", ok=True, seen="held by todoctl's own app")]
        return [*found, port_finding(port)]

    def deployed(self) -> Deployment | None:
        """Returns what is up; raises `UnavailableError` if the state file is damaged."""
        stored = read_json(self._state)
        if stored is None:
            return None
        try:
            settings = Settings.from_json(stored)
        except (TypeError, ValueError, OverflowError, BadUsageError) as error:
            raise damaged(self._state, error) from None
        details = {"Volume": str(self._cache), "Log": str(self._log)}
        return Deployment(settings=settings, url=settings.url, details=details)

    def instances(self) -> frozenset[str]:
        """Returns the process that runs the app, as `pid 1234`."""
        return frozenset(f"pid {running.pid}" for running in process.find(self.directory))

    def logs(self, *, follow: bool, lines: int) -> Iterator[str]:
        """Yields the log's last lines; with `follow` it goes on until it is interrupted."""
        try:
            log = self._log.open(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        with log:
            yield from (line.rstrip("\n") for line in deque(log, maxlen=lines))
            while follow:
                line = log.readline()
                if line:
                    yield line.rstrip("\n")
                else:
                    time.sleep(0.2)

    # Up and down

    def up(self, settings: Settings, progress: Progress, timeout: float | None = None) -> bool:
        """Starts the app, or restarts it if `settings` differ; a failed first start leaves nothing."""
        put_cache_back(self, progress)
        before = self.deployed()
        if before and before.settings == settings and self._serves(settings):
            return False
        if not process.runs_on(self.directory, settings.port):
            ports.check_free(settings.port)
        first = before is None and not self.directory.exists()
        try:
            with progress.step("Prepare the volume"):
                progress.command(["mkdir", "-p", str(self._cache)])
                make_directory(self._cache)
                write_json(self._state, settings.to_json())
            if running := process.find(self.directory):
                with progress.step("Stop the app, keeping its volume"):
                    self._end(running, progress)
            with progress.step("Start the app"):
                progress.command(self._command(settings))
                self.start(settings, timeout)
        except BaseException as error:
            if first:
                self.stop()
                shutil.rmtree(self.directory, ignore_errors=True)
                if isinstance(error, UnavailableError):
                    error.fix = error.fix.replace(self._see_log, "")  # which is gone
            raise
        return True

    def _serves(self, settings: Settings) -> bool:
        """Returns whether what runs has these settings and answers: an `up` may have been cut off."""
        try:
            running = [_settings(one) for one in process.find(self.directory)]
        except TodoctlError:  # gone meanwhile, or started by another version
            return False
        if running != [replace(settings, ttl=float(seconds(settings.ttl)))]:
            return False
        with Client(f"http://127.0.0.1:{settings.port}") as client:
            return client.is_ready()

    @property
    def _see_log(self) -> str:
        return f"See {self._log}"

    def down(self, progress: Progress, *, keep_data: bool) -> bool:
        """Stops the app and removes its log and state and, unless `keep_data`, its volume."""
        if keep_data:
            put_cache_back(self, progress)
        running = process.find(self.directory)
        if not running and not self.directory.exists():
            return False
        if running:
            with progress.step("Stop the app"):
                self._end(running, progress)
        if not keep_data:
            with progress.step("Remove volume, log and state"):
                progress.command(["rm", "-r", str(self.directory)])
                with _writing(self.directory):
                    shutil.rmtree(self.directory)
            return True
        changed = bool(running) or self._state.exists()
        if changed:
            with progress.step("Remove log and state, keep the volume"):
                going = [*sorted(self.directory.glob("app.log*")), self._state]
                progress.command(["rm", "-f", *map(str, going)])
                for path in going:
                    with _writing(path):
                        path.unlink(missing_ok=True)
        return changed

    # For a validation

    def endpoint(self, settings: Settings) -> Endpoint:
        return Endpoint(url=f"http://127.0.0.1:{settings.port}", words="at the app's own port")

    def restart(self, *, at_once: bool = False) -> None:
        """Starts a new process with the settings of the old one."""
        settings = _settings(process.require(self.directory)[0])
        self.stop(at_once=at_once)
        self.start(settings)

    def scale(self, number: int) -> list[str]:
        """Further processes have ports of their own; the first keeps the page's."""
        first, *others = process.require(self.directory)
        settings = _settings(first)
        self._end(others)
        for _ in range(number - 1):
            self.start(replace(settings, port=ports.find_free()))
        return [f"http://127.0.0.1:{_settings(running).port}" for running in process.require(self.directory)]

    def image_service(self) -> AbstractContextManager["Controlled"]:
        """Runs it in a thread of this process."""
        from todoctl.image_service.client import running_here

        return running_here()

    def stop(self, *, at_once: bool = False) -> None:
        self._end(process.find(self.directory), at_once=at_once)

    def _end(
        self, running: list[psutil.Process], progress: Progress | None = None, *, at_once: bool = False
    ) -> None:
        if progress:
            progress.command(["kill", "-TERM", *(str(one.pid) for one in running)])
        (process.kill if at_once else process.stop)(running)
        self._children = [child for child in self._children if child.poll() is None]  # reaps them

    def _environment(self, settings: Settings) -> dict[str, str]:
        return {
            "HOST": "127.0.0.1",
            "PORT": str(settings.port),
            "CACHE_DIR": str(self._cache),
            "CACHE_TTL": seconds(settings.ttl),
            "IMAGE_URL": settings.image_url,
            "LOG_LEVEL": "INFO",  # what the log has to say (docs/contract.md) is said at this level
            "DRAIN_SECONDS": "0",  # no load balancer to wait for
        }

    def _command(self, settings: Settings) -> list[str]:
        """Returns the command that starts the app by hand, without the image URL's password."""
        shown = self._environment(settings) | {"IMAGE_URL": settings.source}
        return ["env", *(f"{name}={value}" for name, value in shown.items()), *process.command(process.APP)]

    def start(self, settings: Settings, timeout: float | None = None) -> None:
        """Starts a process; raises with the log's last line if it ends or never answers."""
        ports.check_free(settings.port)
        child = process.spawn(self.directory, self._environment(settings), self._log)
        self._children.append(child)
        limit = START_SECONDS if timeout is None else timeout
        deadline = time.monotonic() + limit
        with Client(f"http://127.0.0.1:{settings.port}") as client:
            while not client.is_ready():
                code = child.poll()
                if code is not None or time.monotonic() > deadline:
                    self.stop()
                    last = next(iter(self.logs(follow=False, lines=1)), "its log is empty")
                    raise UnavailableError(
                        f"The app has not answered within {seconds(limit)} s"
                        if code is None
                        else f"The app ended with code {code} while starting",
                        why=last,
                        fix=self._see_log,
                    )
                time.sleep(POLL_SECONDS)

    def _seen_by_the_app(self) -> View:
        """Returns the cache directory as the running process sees it."""
        running, *_ = process.require(self.directory)
        path = Path(process.environment(running)["CACHE_DIR"])
        root = Path(f"/proc/{running.pid}/root")
        if root.exists():  # Linux: really through the process; elsewhere it shares our root anyway
            path = root / path.relative_to("/")
        return View(f"the process: {path}", lambda: _files(str(path)))


class ThisMachine:
    """Reaches the volume by its path; see `todoctl.targets.base.Store` for the methods."""

    seen_from = "this machine"

    def run(self, *command: str) -> str:
        path = os.pathsep.join([os.environ.get("PATH", ""), os.defpath])  # where POSIX commands are
        environment = {**os.environ, "PATH": path}
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, env=environment
        )
        if done.returncode:
            raise CommandFailedError(
                f"'{printable(' '.join(command[:3]))}' failed",
                why=(done.stderr or done.stdout).strip() or f"exit {done.returncode}",
                exit_code=done.returncode,
            )
        return done.stdout

    def files(self, directory: str) -> list[File]:
        return _files(directory)

    def put(self, path: str, content: bytes) -> None:
        with _writing(Path(path)):
            Path(path).write_bytes(content)


def _files(path: str) -> list[File]:
    try:
        seen = directory.read(path)
    except OSError as error:
        raise unreadable(error.strerror or str(error)) from None
    return [
        File(name=name, size=size, modified=at / 1e9, content=content) for name, size, at, content in seen
    ]


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Raises `UnavailableError` if the block cannot write."""
    try:
        yield
    except OSError as error:
        raise not_writable(path, error) from None


def _settings(running: psutil.Process) -> Settings:
    environment = process.environment(running)
    return Settings(
        port=int(environment["PORT"]),
        ttl=float(environment["CACHE_TTL"]),
        image_url=environment["IMAGE_URL"],
    )
