"""`--show-commands` on the local target: what is shown is what was done."""

import shlex
import subprocess
import sys
from pathlib import Path

from tests.app_server import wait_for
from tests.todoctl.conftest import CommandLine
from todoctl.client import Client
from todoctl.targets.local import process


def shown(said: str) -> list[str]:
    return [line.removeprefix("$ ") for line in said.splitlines() if line.startswith("$ ")]


def test_up_and_down(todoctl: CommandLine) -> None:
    directory = todoctl.home / "local"
    make, start = shown(todoctl.up("--show-commands").stdout)
    assert make == f"mkdir -p {directory}/volume/cache"
    (running,) = process.find(directory)
    assert start.startswith("env HOST=127.0.0.1 ")
    assert start.endswith(f" {sys.executable} -m todoapp")
    runs_with = {f"{name}={value}" for name, value in running.environ().items()}
    assert {word for word in shlex.split(start) if "=" in word} <= runs_with

    (pid,) = (running.pid for running in process.find(directory))
    assert shown(todoctl("down", "--show-commands").stdout) == [f"kill -TERM {pid}", f"rm -r {directory}"]


def test_the_commands_start_and_end_the_app(todoctl: CommandLine, tmp_path: Path) -> None:
    make, start = shown(todoctl.up("--show-commands").stdout)
    todoctl("down", "--show-commands", "--keep-data")
    subprocess.run(shlex.split(make), check=True)
    env, *words = shlex.split(start)
    assert env == "env"
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(["/usr/bin/env", *words], cwd=tmp_path, stdout=log, stderr=log) as app,
    ):
        with Client(f"http://127.0.0.1:{todoctl.port}") as client:
            wait_for(client.is_ready, deadline=60)
        assert not process.find(todoctl.home / "local"), "what is started by hand is not todoctl's"
        app.terminate()
        assert app.wait() == 0


def test_down_that_keeps_the_volume(todoctl: CommandLine) -> None:
    todoctl.up()
    _, remove = shown(todoctl("down", "--show-commands", "--keep-data").stdout)
    directory = todoctl.home / "local"
    assert remove == f"rm -f {directory}/app.log {directory}/state.json"
