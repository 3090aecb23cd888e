"""What a terminal shows while something is under way."""

import time

import pytest
from rich.console import Console

from todoctl.live import Doing


def test_commands_stand_below_what_is_being_done() -> None:
    told: list[str] = []
    doing = Doing("Create [dim]it[/]", told)
    console = Console(width=80)

    def lines() -> list[str]:
        with console.capture() as shown:
            console.print(doing)
        return shown.get().splitlines()

    assert lines() == ["Create it"]
    told += ["k3d cluster create [it]", "k3d version", "k3d version"]
    doing.do("Create it: waiting")
    assert lines() == ["Create it: waiting", "$ k3d cluster create [it]", "$ k3d version  # 2 times"]


def test_for_how_long_it_is_so_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    doing = Doing("Wait", [])
    console = Console(width=80)
    now = 1000.0
    monkeypatch.setattr(time, "time", lambda: now)

    def line() -> str:
        with console.capture() as shown:
            console.print(doing)
        return shown.get().strip()

    doing.do("pod a pulls b", 958.0)
    assert line() == "pod a pulls b for 42 s"
    now = 1150.4
    assert line() == "pod a pulls b for 3 min 12 s"
    doing.do("pod a pulls b", 2000.0)  # by another clock
    assert line() == "pod a pulls b for 0 s"
    doing.do("pod a runs")
    assert line() == "pod a runs"
