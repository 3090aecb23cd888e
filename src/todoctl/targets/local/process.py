"""A Python program as a background process: found by a variable that only todoctl sets, not by a stored pid.

A pid file can outlive its process and name a stranger. The variable is in the environment that the process
was started with, so it cannot: what has it was started by todoctl for that very directory.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from todoctl.errors import UnavailableError

VARIABLE = "TODOCTL_LOCAL_DIRECTORY"
APP = "todoapp"

LOG_ENCODING = "utf-8:backslashreplace"
"""Whatever the locale and the names of directories are."""

STOP_SECONDS = 10.0
"""Longer than the app takes to finish what it is doing; then it is killed."""

POLL_SECONDS = 0.01

LOG_BYTES = 10_000_000
"""A log that has grown larger is renamed to app.log.1 at the next start, which replaces an older one."""


def command(module: str) -> tuple[str, ...]:
    """Returns the command that runs `module`."""
    return (sys.executable, "-m", module)


def find(directory: Path, module: str = APP) -> list[psutil.Process]:
    """Returns the processes of `module` that todoctl started for `directory`, the oldest first."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) != process.pid:
                continue  # not begun by `spawn`: the quickest check that excludes most strangers
            if process.cmdline()[1:3] == ["-m", module] and process.environ().get(VARIABLE) == str(directory):
                found.append(process)
        except (OSError, psutil.Error):
            continue  # gone meanwhile, a zombie, or another user's: not ours
    return sorted(found, key=psutil.Process.create_time)


def runs_on(directory: Path, port: int, module: str = APP) -> bool:
    """Returns whether one of `find` was started to listen on `port`."""
    for running in find(directory, module):
        try:
            if running.environ().get("PORT") == str(port):
                return True
        except psutil.Error:
            continue  # gone meanwhile
    return False


def spawn(
    directory: Path, environment: Mapping[str, str], log: Path, module: str = APP
) -> subprocess.Popen[bytes]:
    """Starts `module` in the background, in a session of its own, writing to the end of `log`."""
    inherited = {name: value for name, value in os.environ.items() if name != "PORT"}
    others = inherited.get("no_proxy") or inherited.get("NO_PROXY")
    direct = ",".join(filter(None, (others, "localhost,127.0.0.1,::1")))
    own = {
        "NO_PROXY": direct,
        "no_proxy": direct,
        "PYTHONUTF8": "1",
        "PYTHONIOENCODING": LOG_ENCODING,
        VARIABLE: str(directory),
    }
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    number = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)  # it may name what is private
    with os.fdopen(number, "ab") as output:
        return subprocess.Popen(
            command(module),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=directory,
            env={**inherited, **environment, **own},
            start_new_session=True,
        )


def require(directory: Path) -> list[psutil.Process]:
    """Returns those of `find`; raises `UnavailableError` if there are none."""
    running = find(directory)
    if not running:
        raise UnavailableError("The app does not run", fix="Start it with 'todoctl up'")
    return running


def environment(running: psutil.Process) -> dict[str, str]:
    """Returns the environment that the app was started with."""
    try:
        return running.environ()
    except psutil.Error as error:
        raise UnavailableError(
            "The app's process cannot be examined",
            why=repr(error),
            fix="Run as the user who ran 'todoctl up'",
        ) from None


def stop(processes: list[psutil.Process]) -> None:
    """Ends `processes`: asked first, killed after `STOP_SECONDS`."""
    kill(_send(signal.SIGTERM, processes))


def kill(processes: list[psutil.Process]) -> None:
    """Ends `processes` without notice."""
    left = _send(signal.SIGKILL, processes)
    if left:
        pids = ",".join(str(process.pid) for process in left)
        raise UnavailableError(
            f"Process {pids} has not exited after SIGKILL", fix=f"See 'ps -o stat,wchan -p {pids}'"
        )


@contextmanager
def halted(processes: list[psutil.Process]) -> Iterator[None]:
    """Suspends `processes` until the end of the block."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def _send(number: signal.Signals, processes: list[psutil.Process]) -> list[psutil.Process]:
    """Sends a signal; returns those that are still there `STOP_SECONDS` later."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue
    deadline = time.monotonic() + STOP_SECONDS
    while any(is_alive(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return [process for process in processes if is_alive(process)]


def is_alive(process: psutil.Process) -> bool:
    """Returns whether it still runs; reaps a child that has ended.

    A killed process may be called a zombie while threads of it still hold its sockets.
    """
    try:
        if process.status() != psutil.STATUS_ZOMBIE:
            return process.is_running()
        if process.num_threads() > 1:
            return True
        process.wait(0)
    except psutil.Error:
        pass  # gone, or a zombie of another parent
    return False
