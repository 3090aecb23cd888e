"""The app in processes forked ready to serve.

Forking from one process that has imported everything makes hundreds of starts affordable. Run as a
program, this module is that process: it forks an app for each line of JSON on its standard input.
"""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from tests.app_server import wait_for


@dataclass(frozen=True)
class Plan:
    """What the forking process is told: an environment, and where to write."""

    env: dict[str, str]
    log: str


class Nursery:
    """Starts apps; at most one at a time, so that it can be waited for."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @contextlib.contextmanager
    def app(
        self,
        env: Mapping[str, str],
        log: Path,
    ) -> Iterator["App"]:
        """An app; killed at the end."""
        plan = Plan(dict(env), str(log))
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(astuple(plan)) + "\n")
        self._process.stdin.flush()
        app = App(int(self._process.stdout.readline()))
        try:
            yield app
        finally:
            app.kill()


class App:
    """A process of the nursery's."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self) -> None:
        """End it with SIGKILL and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        wait_for(lambda: not self.alive, what=f"the end of {self._pid}")


@contextlib.contextmanager
def nursery() -> Iterator[Nursery]:
    """A process that forks apps, until the end of the block."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        yield Nursery(process)


def _fork_apps() -> None:
    # Loaded before the forks, not after each.
    for module in ("anyio._backends._asyncio", "httpcore", "httpx", "todoapp.app", "uvloop"):
        importlib.import_module(module)

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _serve(Plan(*json.loads(line)))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _serve(plan: Plan) -> None:
    output = os.open(plan.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(plan.env)
    from todoapp.__main__ import main

    sys.exit(main())


if __name__ == "__main__":
    _fork_apps()
