"""Processes that todoctl made."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.app_server import wait_for
from todoctl.errors import UnavailableError
from todoctl.targets.local import process


def test_only_what_carries_the_mark_is_found(tmp_path: Path) -> None:
    """A process with the same command line, but of another directory or by hand, is not ours."""
    (tmp_path / "todoapp.py").write_text("import signal\nsignal.pause()\n")
    command = [sys.executable, "-m", "todoapp"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": ""}
    marks: tuple[dict[str, str], ...] = (
        {process.VARIABLE: str(tmp_path)},
        {process.VARIABLE: str(tmp_path / "other")},
        {},
    )
    running = [
        subprocess.Popen(command, cwd=tmp_path, env={**environment, **mark}, start_new_session=True)
        for mark in marks
    ]
    try:
        found = wait_for(lambda: process.find(tmp_path), what="the marked process")
        assert [item.pid for item in found] == [running[0].pid]
        process.stop(found)
        assert process.find(tmp_path) == []
        assert running[1].poll() is None
        assert running[2].poll() is None
        process.stop(found)  # twice is fine
    finally:
        for child in running:
            child.kill()
            child.wait()


def test_what_does_not_listen_to_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.5)
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        process.stop([psutil.Process(child.pid)])
        child.wait(10)


def test_what_survives_even_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.1)
    monkeypatch.setattr(psutil.Process, "send_signal", lambda *_: None)
    with pytest.raises(
        UnavailableError, match=f"Process {os.getpid()} has not exited after SIGKILL.*ps -o stat"
    ):
        process.stop([psutil.Process()])
