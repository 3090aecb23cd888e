"""The real command line, run as a process of its own on a home of the test's own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.app_server import free_port


@dataclass
class CommandLine:
    """Runs `todoctl`; `home` is its state directory, `port` one that is free for it."""

    home: Path
    port: int = field(default_factory=free_port)
    env: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "TODOCTL_HOME": str(self.home), "COLUMNS": "200", **self.env}

    def spawn(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts a command in the background, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "todoctl", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def __call__(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end and checks its exit code."""
        with self.spawn(*arguments) as process:
            out, err = process.communicate(timeout=240)
        assert process.returncode == code, f"exit {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`up` on the local target with bundled pictures, unless `arguments` say otherwise."""
        return self("up", "--target", "local", "--port", str(self.port), "--image-url", "sample:", *arguments)


@pytest.fixture(name="todoctl")
def _todoctl(tmp_path: Path) -> Iterator[CommandLine]:
    command = CommandLine(tmp_path / "home")
    yield command
    command.env.clear()
    command("down", "--target", "local")
    assert not command.home.exists(), "down leaves nothing behind"
