"""The local target: the app as a background process on this machine. Needs no Docker."""

import os
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil

from todoctl import ports
from todoctl.client import Client
from todoctl.commands import SILENT, Commands
from todoctl.errors import BadUsageError, TodoctlError, UnavailableError
from todoctl.restore import put_cache_back
from todoctl.settings import Settings, seconds
from todoctl.state import HOME_FIX, Home, damaged, make_directory, read_json, write_json
from todoctl.targets import findings
from todoctl.targets.base import Finding, ImageService, Progress
from todoctl.targets.endpoint import Entrance, on_this_machine
from todoctl.targets.local import process
from todoctl.targets.local.volume import LocalVolume, remove
from todoctl.targets.marker import FileRecord

if TYPE_CHECKING:
    import subprocess

START_SECONDS = 60.0
"""The app answers within one; a busy machine may need many."""

POLL_SECONDS = 0.01


class LocalTarget:
    """Runs the app bound to 127.0.0.1, with volume, log and state below `home`.

    `volume/cache` is the app's cache directory. `state.json` says what `up` was asked for; what runs is
    not written down but found (see `process`).
    """

    name = "local"
    rolling = False
    start_seconds = 0.6

    def __init__(self, home: Home, commands: Commands = SILENT) -> None:
        self._commands = commands
        self.directory = home.path / "local"
        self._state = self.directory / "state.json"
        self._log = self.directory / "app.log"
        self.volume = LocalVolume(self.directory)
        self.record = FileRecord(self.directory)
        self._children: list[subprocess.Popen[bytes]] = []

    # What there is

    def findings(self, port: int) -> list[Finding]:
        """What this machine has and lacks for the local target."""
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
        return [*found, findings.of_port(port)]

    def settings(self) -> Settings | None:
        """What `up` was last asked for; raises `UnavailableError` where that file is damaged."""
        stored = read_json(self._state)
        if stored is None:
            return None
        try:
            return Settings.from_json(stored)
        except (TypeError, ValueError, OverflowError, BadUsageError) as error:
            raise damaged(self._state, error) from None

    def page(self, settings: Settings) -> str:
        return settings.url

    def instances(self) -> frozenset[str]:
        """The process that runs the app, as `pid 1234`."""
        return frozenset(f"pid {running.pid}" for running in process.find(self.directory))

    def details(self) -> dict[str, str]:
        """Process, volume and log."""
        return {
            "Runs as": ", ".join(sorted(self.instances())) or "nothing: 'todoctl up' starts it",
            "Volume": str(self.volume.path),
            "Log": str(self._log),
        }

    def logs(self, *, follow: bool, lines: int) -> Iterator[str]:
        """The log's last lines; with `follow` it goes on until it is interrupted."""
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
        """Starts the app, or restarts it where `settings` differ; a failed first start leaves nothing."""
        put_cache_back(self, progress)
        before = self.settings()
        if before == settings and self._serves(settings):
            return False
        if not process.runs_on(self.directory, settings.port):
            ports.check_free(settings.port)
        first = before is None and not self.directory.exists()
        try:
            with progress.step("Prepare the volume"):
                self._commands.tell(["mkdir", "-p", str(self.volume.path)])
                make_directory(self.volume.path)
                write_json(self._state, settings.to_json())
            if process.find(self.directory):
                with progress.step("Stop the app, keeping its volume"):
                    self.stop()
            with progress.step("Start the app"):
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
        """Whether what runs was started with `settings`, and answers: an `up` may have been cut off."""
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
                self.stop()
        if not keep_data:
            with progress.step("Remove volume, log and state"):
                self._commands.tell(["rm", "-r", str(self.directory)])
                remove(self.directory)
            return True
        changed = bool(running) or self._state.exists()
        if changed:
            with progress.step("Remove log and state, keep the volume"):
                self._commands.tell(["rm", "-f", str(self._log), str(self._state)])
                remove(self._log)
                remove(self._state)
        return changed

    # For validate

    def entrance(self, settings: Settings) -> Entrance:
        return on_this_machine(settings.port, "at the app's own port")

    def restart(self) -> None:
        """A new process with the settings of the old one."""
        self._replace(self._end)

    def kill(self) -> None:
        """As `restart`, but the old one gets no notice."""
        self._replace(self._kill)

    def _replace(self, end: Callable[[list[psutil.Process]], None]) -> None:
        running = process.require(self.directory)
        settings = _settings(running[0])
        end(running)
        self._reap()
        self.start(settings)

    def scale(self, number: int) -> list[str]:
        """Further processes have ports of their own; the first keeps the page's."""
        first, *others = process.require(self.directory)
        settings = _settings(first)
        self._end(others)
        self._reap()
        for _ in range(number - 1):
            self.start(replace(settings, port=ports.find_free()))
        return [f"http://127.0.0.1:{_settings(running).port}" for running in process.require(self.directory)]

    def image_service(self) -> AbstractContextManager[ImageService]:
        """In a thread of this process."""
        from todoctl.image_service.client import running_here

        return running_here()

    def remove_image_service(self) -> None:
        """A thread ends with its process."""

    def stop(self, *, at_once: bool = False) -> None:
        end = self._kill if at_once else self._end
        end(process.find(self.directory))
        self._reap()

    def _end(self, running: list[psutil.Process]) -> None:
        self._show_kill("TERM", running)
        process.stop(running)

    def _kill(self, running: list[psutil.Process]) -> None:
        self._show_kill("KILL", running)
        process.kill(running)

    def _show_kill(self, signal: str, running: list[psutil.Process]) -> None:
        if running:
            self._commands.tell(["kill", f"-{signal}", *(str(one.pid) for one in running)])

    def _reap(self) -> None:
        self._children = [child for child in self._children if child.poll() is None]

    def start(self, settings: Settings, timeout: float | None = None) -> None:
        """Starts a process; raises with the log's last line where it ends or never answers."""
        ports.check_free(settings.port)
        environment = {
            "HOST": "127.0.0.1",
            "PORT": str(settings.port),
            "CACHE_DIR": str(self.volume.path),
            "CACHE_TTL": seconds(settings.ttl),
            "IMAGE_URL": settings.image_url,
            "LOG_LEVEL": "INFO",  # what the log has to say (docs/contract.md) is said at this level
            "DRAIN_SECONDS": "0",  # no load balancer to wait for
        }
        shown = environment | {"IMAGE_URL": settings.source}
        variables = (f"{name}={value}" for name, value in shown.items())
        self._commands.tell(["env", *variables, *process.command(process.APP)])
        child = process.spawn(self.directory, environment, self._log)
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


def _settings(running: psutil.Process) -> Settings:
    environment = process.environment(running)
    return Settings(
        port=int(environment["PORT"]),
        ttl=float(environment["CACHE_TTL"]),
        image_url=environment["IMAGE_URL"],
    )
