"""The whole product on the local target: real processes, real HTTP, real files."""

import signal
import socket
import threading
from pathlib import Path

import psutil
import pytest

from tests import visitor
from tests.app_server import free_port, wait_for
from tests.todoctl.conftest import CommandLine
from todoctl.client import CacheState, Client
from todoctl.targets.local import process


def pids(todoctl: CommandLine) -> list[int]:
    return [running.pid for running in process.find(todoctl.home / "local")]


def state(todoctl: CommandLine) -> CacheState:
    with Client(f"http://127.0.0.1:{todoctl.port}") as client:
        return client.state()


def visit(todoctl: CommandLine, times: int = 1) -> CacheState:
    with Client(f"http://127.0.0.1:{todoctl.port}") as client:
        for _ in range(times):
            visitor.view(client.url)
        return client.state()


def is_playing(todoctl: CommandLine) -> bool:
    """Whether the app of a quick run answers."""
    with Client(f"http://127.0.0.1:{todoctl.port}") as client:
        return client.is_ready() and client.state().ttl < 500


def test_up_converges(todoctl: CommandLine) -> None:
    first = todoctl.up()
    assert f"http://localhost:{todoctl.port}" in first.stdout
    assert "\x1b" not in first.stdout
    (pid,) = pids(todoctl)
    listening = {
        connection.laddr[0]
        for connection in psutil.Process(pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}
    seen = visit(todoctl, 2)

    again = todoctl.up()
    assert "nothing changed" in again.stdout
    assert pids(todoctl) == [pid]

    todoctl.up("--ttl", "1234.5")
    assert pids(todoctl) != [pid]
    after = state(todoctl)
    assert after.ttl == 1234.5
    assert (after.sha256, after.downloaded_at, after.access_count) == (
        seen.sha256,
        seen.downloaded_at,
        seen.access_count,
    )


def test_up_moves_to_another_port(todoctl: CommandLine) -> None:
    todoctl.up()
    visit(todoctl)
    todoctl.port = free_port()
    todoctl.up()
    assert state(todoctl).access_count == 1
    assert len(pids(todoctl)) == 1


def test_up_brings_a_killed_app_back_with_picture_and_counts(todoctl: CommandLine) -> None:
    todoctl.up()
    seen = visit(todoctl, 3)
    (running,) = process.find(todoctl.home / "local")
    running.kill()
    wait_for(lambda: not pids(todoctl))
    down = todoctl("status", code=3)
    assert "'todoctl up' starts it" in down.stdout
    assert "The app does not run. Run 'todoctl up' first" in todoctl("validate", code=3).stderr
    todoctl.up()
    assert state(todoctl).sha256 == seen.sha256
    assert state(todoctl).access_count == 3


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_validate_stopped_midway_loses_nothing(
    number: signal.Signals, code: int, todoctl: CommandLine
) -> None:
    todoctl.up("--ttl", "500")
    before = visit(todoctl, 2)
    aside = todoctl.home / "local" / "volume" / "cache.set-aside"
    with todoctl.spawn("validate") as running:
        wait_for(aside.exists, what="a cache set aside")
        if number == signal.SIGKILL:
            wait_for(lambda: is_playing(todoctl), what="the run's own app")
        running.send_signal(number)
        _, err = running.communicate(timeout=60)
    assert running.returncode == code
    assert ("run the command again" in err) == (number != signal.SIGKILL)
    if number == signal.SIGKILL:
        (pid,) = pids(todoctl)
        for command in ("status", "logs"):
            assert "A validation was interrupted, or is under way" in str(todoctl(command))
        assert aside.exists()
        assert pids(todoctl) == [pid], "looking changes nothing"
        mended = todoctl.up("--ttl", "500")
        assert "Put back the picture and the counts" in mended.stdout
    assert not aside.exists()
    assert state(todoctl) == before


@pytest.mark.live
@pytest.mark.parametrize("words", [("down",), ("down", "--keep-data"), ("up", "--target", "local")])
def test_a_killed_validation_locks_no_command_out(words: tuple[str, ...], todoctl: CommandLine) -> None:
    """Also with the port taken meanwhile by another program."""
    todoctl.up("--ttl", "500")
    before = visit(todoctl, 2)
    volume = todoctl.home / "local" / "volume"
    with todoctl.spawn("validate") as running:
        wait_for((volume / "cache.set-aside").exists)
        running.kill()
        running.communicate()
    for left in process.find(todoctl.home / "local"):
        left.kill()
    wait_for(lambda: not pids(todoctl))
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("0.0.0.0", todoctl.port))
        other.listen()
        todoctl.port = free_port()
        if words[0] == "up":
            todoctl.up()
            assert state(todoctl).access_count == before.access_count
        else:
            todoctl(*words)
            kept = volume / "cache" / "cached_image.jpg"
            assert kept.exists() == ("--keep-data" in words)
            assert not pids(todoctl)


def test_commands_that_look_say_that_a_validation_is_under_way(todoctl: CommandLine) -> None:
    todoctl.up()
    with todoctl.spawn("validate") as running:
        wait_for((todoctl.home / "local" / "validating").exists)
        assert "A validation was interrupted, or is under way" in todoctl("logs").stderr
        assert "Another todoctl command is at work" in todoctl("down", code=3).stderr
        assert running.wait(120) == 0


def test_down_keeps_the_data_where_asked(todoctl: CommandLine) -> None:
    todoctl.up()
    seen = visit(todoctl, 2)
    todoctl("down", "--keep-data")
    assert pids(todoctl) == []
    assert "Nothing is up" in todoctl("status", code=3).stderr
    assert "nothing to remove" in todoctl("down", "--keep-data").stdout
    todoctl.up()
    assert state(todoctl).sha256 == seen.sha256
    assert state(todoctl).access_count == 2


def test_down_ends_what_runs_and_touches_nothing_else(todoctl: CommandLine, tmp_path: Path) -> None:
    stranger = tmp_path / "home" / "mine.txt"
    todoctl.up()
    stranger.write_text("keep me")
    assert len(pids(todoctl)) == 1
    assert "Removed." in todoctl("down").stdout
    assert pids(todoctl) == []
    assert stranger.read_text() == "keep me"
    stranger.unlink()


def test_logs_show_the_last_lines_and_follow(todoctl: CommandLine) -> None:
    todoctl.up()
    assert "cache in" in todoctl("logs").stdout
    assert todoctl("logs", "-n", "0").stdout == ""
    with todoctl.spawn("logs", "-f", "-n", "1") as following:
        giving_up = threading.Timer(60, following.kill)
        giving_up.start()
        assert following.stdout
        assert following.stdout.readline()
        todoctl.up("--ttl", "77")
        while "TTL 77 s" not in (line := following.stdout.readline()):
            assert line
        giving_up.cancel()
        following.send_signal(signal.SIGINT)
        _, err = following.communicate(timeout=30)
    assert following.returncode == 130
    assert "Traceback" not in err


def test_a_taken_port_is_told_before_anything_starts(todoctl: CommandLine) -> None:
    other = CommandLine(todoctl.home.with_name("other"), port=todoctl.port)
    other.up()
    refused = todoctl(
        "up", "--target", "local", "--port", str(todoctl.port), "--image-url", "sample:", code=3
    )
    assert refused.stderr.startswith(f"todoctl: Port {todoctl.port} is taken: ")
    assert f"(pid {pids(other)[0]}) listens there" in refused.stderr
    assert "--port" in refused.stderr
    assert not todoctl.home.exists()
    other("down")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        '{"port": 1e999, "ttl": 1, "image_url": "sample:"}',
        "[1]",
        '{"ttl": null}',
        '{"port": 0, "ttl": 1, "image_url": "sample:"}',
    ],
)
def test_a_damaged_state_file_is_told_and_kept(content: str, todoctl: CommandLine) -> None:
    todoctl.up()
    visit(todoctl)
    (pid,) = pids(todoctl)
    file = todoctl.home / "local" / "state.json"
    file.write_text(content)
    for command in (("up", "--target", "local"), ("validate",), ("status",), ("open",)):
        told = todoctl(*command, code=3).stderr
        assert f"The state file {file} is damaged" in told
        assert told.count("\n") == 1
    assert file.read_text() == content
    assert pids(todoctl) == [pid], "what runs goes on"


def test_a_home_that_cannot_be_written_is_told(todoctl: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    broken = CommandLine(tmp_path / "file" / "home", port=todoctl.port)
    told = broken("up", "--target", "local", "--image-url", "sample:", code=3).stderr
    assert "cannot be written: Not a directory" in told
    assert "TODOCTL_HOME" in told
    assert told.count("\n") == 1


def test_doctor_knows_the_port_and_who_holds_it(todoctl: CommandLine) -> None:
    port = str(todoctl.port)
    assert f"Port {port}: free" in todoctl("doctor", "--target", "local", "--port", port).stdout
    todoctl.up()
    held = todoctl("doctor", "--target", "local", "--port", port).stdout
    assert f"Port {port}: held by todoctl's own app" in held
    other = CommandLine(todoctl.home.with_name("other"))
    taken = other("doctor", "--target", "local", "--port", port, code=3).stdout
    assert f"✗ Port {port}: " in taken
    assert "choose another port with --port" in taken
    assert not other.home.exists(), "doctor only looks"


def test_open_says_where_the_page_is(todoctl: CommandLine, tmp_path: Path) -> None:
    todoctl.up()
    shown = tmp_path / "shown"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {shown}\n')
    browser.chmod(0o755)
    todoctl.env["BROWSER"] = f"{browser} %s"
    todoctl("open")
    shown_first = wait_for(lambda: shown.exists() and shown.read_text().strip())
    shown.unlink()
    todoctl.up("--open")
    url = f"http://localhost:{todoctl.port}"
    assert wait_for(lambda: shown.exists() and shown.read_text().strip()) == url == shown_first
    todoctl.env = {"PATH": str(tmp_path), "BROWSER": "nothing %s", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    assert f"No browser could be opened here; the page is at {url}" in todoctl("open").stderr
