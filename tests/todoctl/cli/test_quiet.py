"""`--quiet`: nothing but what was asked for; failures are told all the same."""

from pathlib import Path

import pytest

from tests.todoctl.cli.terminal import on_a_terminal
from tests.todoctl.conftest import CommandLine
from tests.todoctl.images.engine import Engine
from tests.todoctl.targets.k3d.world import World
from tests.todoctl.test_prove import saved
from todoctl.__main__ import run


def test_up_prints_the_page_and_down_nothing(todoctl: CommandLine) -> None:
    up = todoctl.up("--quiet")
    assert (up.stdout, up.stderr) == (f"http://localhost:{todoctl.port}\n", "")
    ran = todoctl("validate", "--scenario", "valid", "-q")
    (line,) = ran.stdout.splitlines()
    assert line.startswith("PASSED  1 of 1 scenario passed on local")
    assert ran.stderr == ""
    again = todoctl.up("-q", "--show-commands", "--ttl", "5")
    *commands, page = again.stdout.splitlines()
    assert commands
    assert all(command.startswith("$ ") for command in commands), "they were asked for"
    assert page == f"http://localhost:{todoctl.port}"
    down = todoctl("down", "-q")
    assert (down.stdout, down.stderr) == ("", "")
    assert todoctl("down", "-q").stdout == ""


def test_a_failure_is_told_on_standard_error(tmp_path: Path) -> None:
    told = CommandLine(tmp_path / "home")("validate", "-q", code=3)
    assert (told.stdout, told.stderr) == ("", "todoctl: Nothing is up. Run 'todoctl up' first.\n")


def test_what_failed_is_shown_and_the_verdict(tmp_path: Path) -> None:
    todoctl = CommandLine(tmp_path / "home")
    wrong = str(saved(tmp_path / "wrong.json", wrong=True))
    loud, quiet = todoctl("judge", wrong, code=1).stdout, todoctl("judge", wrong, "-q", code=1).stdout
    assert loud.endswith(quiet)
    assert "image count" in quiet
    assert "FAILED" in quiet
    assert loud.removesuffix(quiet).startswith("✗ made "), "the scenario's line, which is progress"


def test_a_terminal_sees_nothing_move(todoctl: CommandLine) -> None:
    seen = on_a_terminal(
        todoctl.home, "up", "-q", "--target=local", f"--port={todoctl.port}", "--image-url=sample:"
    )
    assert seen == f"http://localhost:{todoctl.port}\n"


def test_images_have_a_name_for_scripts(
    world: World, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["image", "build", "me/app:1", "-q"]) == 0
    assert capsys.readouterr().out == f"{engine.images.get('me/app:1').id}\n"
    engine.images.pushed = lambda: iter([{"aux": {"Digest": "sha256:ab"}}])
    assert run(["image", "push", "me/app:1", "-q"]) == 0
    assert capsys.readouterr().out == "me/app@sha256:ab\n"
