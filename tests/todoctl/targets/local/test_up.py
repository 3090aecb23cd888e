"""`up` on the local target, where something is in its way."""

import json

import psutil
import pytest

from tests.faults.fault import Edit, environment
from tests.todoctl.conftest import CommandLine
from tests.todoctl.targets.local.test_target import pids, state, visit

REFUSES = Edit(
    "the app refuses to start",
    "settings",
    "    values: list[Any] = []",
    "    values: list[Any] = [environ['NONE']]",
)


def refusing() -> dict[str, str]:
    """The environment in which an app does not start."""
    return {
        name: value for name, value in environment(REFUSES).items() if name in {"PYTHONPATH", "TODOAPP_FAULT"}
    }


def test_an_up_that_was_cut_off_is_gone_on_with(todoctl: CommandLine) -> None:
    """It had written down what was asked for, and not yet replaced what ran."""
    todoctl.up()
    asked = todoctl.home / "local" / "state.json"
    asked.write_text(json.dumps({**json.loads(asked.read_text()), "ttl": 7.5}))
    assert "nothing changed" not in todoctl.up("--ttl", "7.5").stdout
    assert state(todoctl).ttl == 7.5
    assert "nothing changed" in todoctl.up("--ttl", "7.5").stdout
    todoctl.up("--ttl", "0.30000000000000004")
    assert "nothing changed" in todoctl.up("--ttl", "0.30000000000000004").stdout


def test_up_replaces_an_app_that_does_not_answer(todoctl: CommandLine) -> None:
    todoctl.up()
    seen = visit(todoctl)
    (pid,) = pids(todoctl)
    psutil.Process(pid).suspend()
    assert "nothing changed" not in todoctl.up().stdout
    assert pids(todoctl) != [pid]
    assert state(todoctl).access_count == seen.access_count


def test_a_first_start_that_fails_leaves_nothing(todoctl: CommandLine) -> None:
    todoctl.env |= refusing()
    failed = todoctl("up", "--target", "local", "--port", str(todoctl.port), "--image-url", "sample:", code=3)
    assert "The app ended with code 1 while starting: KeyError: 'NONE'" in failed.stderr
    assert "app.log" not in failed.stderr, "it is gone"
    assert not todoctl.home.exists()


def test_a_later_start_that_fails_keeps_the_volume(todoctl: CommandLine) -> None:
    todoctl.up()
    seen = visit(todoctl)
    todoctl.env |= refusing()
    failed = todoctl(
        "up", "--target", "local", "--port", str(todoctl.port), "--image-url", "sample:", "--ttl", "9", code=3
    )
    assert str(todoctl.home / "local" / "app.log") in failed.stderr
    todoctl.env.clear()
    todoctl.up()
    assert state(todoctl).sha256 == seen.sha256


@pytest.mark.live
def test_user_and_password_of_the_image_url_are_shown_nowhere(todoctl: CommandLine) -> None:
    url = "http://me:secret@127.0.0.1:9/x"
    shown = [
        todoctl.up("--image-url", url, "--show-commands"),
        todoctl("status"),
        todoctl("status", "--json"),
    ]
    shown.append(todoctl.up("--image-url", url, "--json"))
    text = "".join(one.stdout + one.stderr for one in shown)
    assert "secret" not in text
    assert "http://***@127.0.0.1:9/x" in text
    log = todoctl.home / "local" / "app.log"
    assert log.stat().st_mode & 0o077 == 0
    assert (todoctl.home / "local" / "state.json").stat().st_mode & 0o077 == 0
