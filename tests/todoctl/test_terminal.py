"""What a terminal shows, and what a pipe gets."""

import io
import re
import shlex
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from rich.console import Console

from todoctl.targets.base import Finding
from todoctl.terminal import Terminal, clock


def shown(work: Callable[[Terminal], object], *, screen: bool = False, width: int = 80, **how: bool) -> str:
    """Returns what is printed while `work` uses a terminal."""
    terminal = Terminal(**how)
    file = io.StringIO()
    terminal.console = Console(
        file=file,
        force_terminal=screen,
        force_interactive=screen,
        width=width,
        highlight=False,
        color_system=None,
    )
    work(terminal)
    return file.getvalue()


def step(terminal: Terminal) -> None:
    with terminal.step("Start [the] app") as working:
        working.update("pod: [Pulling]")
        working.update("pod: [Pulling]")
        working.update("pod: ready", time.time() - 65)
        terminal.command(["kubectl", "get", "pods"])
        terminal.command(["kubectl", "get", "pods"])


def test_a_pipe_gets_each_detail_once_and_the_outcome() -> None:
    detail, ready, outcome = shown(step).splitlines()
    assert detail == "  Start [the] app pod: [Pulling]"
    assert ready == "  Start [the] app pod: ready for 1:05"
    assert re.fullmatch(r"✓ Start \[the\] app \d\.\d s", outcome)


def test_a_terminal_shows_how_long_it_has_waited() -> None:
    seen = shown(step, screen=True)
    assert "0:00:00" in seen
    assert "✓ Start [the] app" in seen


def test_what_fails_is_shown_as_failed() -> None:
    def fail(terminal: Terminal) -> None:
        with suppress(ZeroDivisionError), terminal.step("Divide"):
            terminal.command(["bc"])
            raise ZeroDivisionError

    assert re.fullmatch(r"✗ Divide \d\.\d s\n\$ bc\n", shown(fail, show_commands=True))


def test_commands_stand_below_their_step() -> None:
    lines = shown(step, show_commands=True).splitlines()
    assert lines[-2].startswith("✓ ")
    assert lines[-1] == "$ kubectl get pods"
    assert shown(step, show_commands=True, quiet=True) == "$ kubectl get pods\n"
    assert not shown(step, quiet=True)
    alone = shown(lambda terminal: terminal.command(["a", "b c"], ["grep", "it's $HOME"]), show_commands=True)
    assert shlex.split(alone) == ["$", "a", "b c", "|", "grep", "it's $HOME"]
    assert not shown(Terminal.command, show_commands=True)


@pytest.mark.parametrize("screen", [False, True])
def test_what_is_long_can_be_copied_whole(screen: bool) -> None:
    url = "http://localhost/" + 100 * "x"
    seen = shown(lambda terminal: terminal.note(f"The page is at {url} for 600 s"), screen=screen, width=40)
    assert seen.splitlines() == ["The page is at", url, "for 600 s"]


def downloads(terminal: Terminal) -> None:
    with terminal.downloads("Pull 2 images", ["me/app:1", "rancher/k3s"]) as bars:
        bars.show("me/app:1", 0, 0, "")
        for loaded in (1_500_000, 2_000_000):
            bars.show("me/app:1", loaded, 3_000_000, "")
        bars.show("me/app:1", 3_000_000, 3_000_000, "extracting")


def test_downloads_in_a_pipe_are_lines_now_and_then() -> None:
    *lines, outcome = shown(downloads).splitlines()
    assert lines == ["  me/app:1: waiting", "  me/app:1: extracting"]
    assert outcome.startswith("✓ Pull 2 images")


def test_downloads_on_a_terminal_are_bars() -> None:
    seen = shown(downloads, screen=True, width=100)
    assert "3.0/3.0 MB" in seen
    assert "k3s" in seen


@pytest.mark.parametrize("width", [8, 20, 80])
def test_a_run_on_a_terminal_says_what_plays_and_what_it_waits_for(width: int) -> None:
    def run(terminal: Terminal) -> None:
        with terminal.expect([("fresh", 1.0), ("valid", 2.0)]):
            with terminal.scenario("fresh", "A first picture.") as waiting:
                waiting("the picture " + 9 * "and more ")
                time.sleep(0.2)
                with terminal.step("Restart"):
                    time.sleep(0.2)

    seen = shown(run, screen=True, width=width)
    assert "fresh: A first picture. the picture" in seen or width < 80
    assert "-:--:--" in seen or width < 80
    assert "✓" in seen
    assert "Restart" in seen


@pytest.mark.parametrize("screen", [False, True])
def test_several_apps_are_watched_beside_each_other(screen: bool) -> None:
    def watch(terminal: Terminal) -> None:
        with terminal.side_by_side(["http://a", "http://b"]) as tell:
            for _ in range(2):
                tell("http://a", "waits for an expiry", time.time() + 600)
            tell("http://b", "visits", float("inf"))

    seen = shown(watch, screen=screen)
    assert "waits for an expiry" in seen
    assert seen.count("\n") == 2 or screen
    assert ("about 10:00 left" in seen) == screen


def test_findings_say_what_to_do() -> None:
    found = [
        Finding(subject="Docker", ok=True, seen="29"),
        Finding(subject="k3d", ok=False, seen="it is not installed", fix="Install it"),
        Finding(subject="kubectl", ok=False, seen="none", required=False),
    ]
    assert shown(lambda terminal: terminal.findings({"k3d": found})) == (
        "k3d\n  ✓ Docker: 29\n  ✗ k3d: it is not installed → Install it\n  ! kubectl: none\n"
    )


def test_facts_stand_in_two_columns() -> None:
    assert shown(lambda terminal: terminal.facts({"URL": "[x]", "Target": 1})) == "URL     [x]\nTarget  1\n"


def test_a_clock_is_minutes_and_seconds() -> None:
    assert [clock(seconds) for seconds in (0, 65.4, 600)] == ["0:00", "1:05", "10:00"]
