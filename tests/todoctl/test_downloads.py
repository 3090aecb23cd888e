"""Downloads on a terminal, and in a pipe."""

import io
import re
import time
from contextlib import suppress

import pytest
from rich.console import Console

from todoctl import downloads
from todoctl.console import Terminal
from todoctl.targets.base import Downloads

NAMES = ("ghcr.io/k3d-io/k3d-proxy:5.9.0", "rancher/[k3s]:v1.36")


@pytest.fixture(name="screen")
def _screen(monkeypatch: pytest.MonkeyPatch) -> tuple[Terminal, io.StringIO]:
    monkeypatch.delenv("COLUMNS", raising=False)
    terminal, shown = Terminal(), io.StringIO()
    terminal.console = Console(file=shown, force_terminal=True, width=80, highlight=False)
    return terminal, shown


def rows(told: Downloads) -> list[str]:
    """What a screen shows just now."""
    assert isinstance(told, downloads.Bars)
    console = Console(file=io.StringIO(), width=80, highlight=False)
    console.print(told.shown.get_renderable())
    out = console.file.getvalue()  # type: ignore[attr-defined]
    return [re.sub(r"[━╸╺ ]+", " ", line).strip() for line in out.splitlines()]


def test_a_bar_for_each_and_their_sum(screen: tuple[Terminal, io.StringIO]) -> None:
    terminal, shown = screen
    with terminal.downloads("Pull 2 images", NAMES) as told:
        told.tell(NAMES[0], 0, 0, "waiting", more=True)
        told.tell(NAMES[1], 1_500_000, 3_000_000, "", more=True)
        assert rows(told) == [
            "Pull 2 images 1.5/3.0+ MB",
            "k3d-proxy:5.9.0 waiting",
            "[k3s]:v1.36 1.5/3.0+ MB",
        ]
        told.tell(NAMES[0], 500_000, 500_000, "unpacking", more=False)
        told.tell(NAMES[1], 3_000_000, 6_000_000, "", more=False)
        assert rows(told)[0].startswith("Pull 2 images 3.5/6.5 MB")
        assert rows(told)[1] == "k3d-proxy:5.9.0 500.0/500.0 kB unpacking"
    assert "✓" in shown.getvalue().splitlines()[-1]


def test_one_alone_needs_no_sum(screen: tuple[Terminal, io.StringIO]) -> None:
    terminal, shown = screen
    with suppress(ZeroDivisionError), terminal.downloads("Pull x:1", ["x:1"]) as told:
        told.tell("x:1", 5, 10, "", more=False)
        assert rows(told) == ["Pull x:1 5.0/10.0 bytes"]
        raise ZeroDivisionError
    assert "✗" in shown.getvalue().splitlines()[-1]


def test_how_fast_it_comes_and_for_how_long_still(
    screen: tuple[Terminal, io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal, _ = screen
    with terminal.downloads("Pull x:1", ["x:1"]) as told:
        assert isinstance(told, downloads.Bars)
        monkeypatch.setattr(told.shown, "get_time", iter(range(100, 10_000)).__next__)
        for number in range(1, 11):
            told.tell("x:1", number * 1_000_000, 100_000_000, "", more=True)
        assert re.search(r"10\.0/100\.0\+ MB [\d.]+ [kM]B/s$", rows(told)[0])
        told.tell("x:1", 11_000_000, 100_000_000, "", more=False)
        assert re.search(r"11\.0/100\.0 MB [\d.]+ [kM]B/s, \d+:\d\d left$", rows(told)[0])
        told.tell("x:1", 100_000_000, 100_000_000, "", more=False)
        assert rows(told)[0].endswith("100.0/100.0 MB")


def test_a_pipe_gets_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    now = iter(range(1000, 100_000, 10))
    with Terminal().downloads("Pull 2 images", NAMES) as told:
        monkeypatch.setattr(time, "monotonic", lambda: float(next(now)))
        told.tell(NAMES[0], 0, 0, "waiting", more=True)
        for part in range(7):
            told.tell(NAMES[1], part * 100_000, 1_000_000, "", more=part < 5)
        told.tell(NAMES[1], 1_000_000, 1_000_000, "unpacking", more=False)
        monkeypatch.undo()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:-1] == [
        "  ghcr.io/k3d-io/k3d-proxy:5.9.0: waiting",
        "  rancher/[k3s]:v1.36: 0.0/1.0+ MB",
        "  rancher/[k3s]:v1.36: 0.3/1.0+ MB",
        "  rancher/[k3s]:v1.36: 0.6/1.0 MB",
        "  rancher/[k3s]:v1.36: 1.0/1.0 MB, unpacking",
    ]
    assert lines[-1].startswith("✓ Pull 2 images")
