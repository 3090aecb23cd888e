"""Downloads on a terminal, and in a pipe."""

import io
import time

import pytest
from rich.console import Console

from todoctl import downloads
from todoctl.console import Terminal

NAMES = ("ghcr.io/k3d-io/k3d-proxy:5.9.0", "rancher/[k3s]:v1.36")


def test_a_bar_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    terminal, shown = Terminal(), io.StringIO()
    terminal.console = Console(file=shown, force_terminal=True, width=120, highlight=False)
    with terminal.downloads("Pull 2 images", NAMES) as told:
        told.tell(NAMES[1], 1_500_000, 3_000_000, "")
        told.tell(NAMES[0], 500_000, 500_000, "unpacking [x]")
        assert isinstance(told, downloads.Bars)
        console = Console(file=io.StringIO(), width=120, highlight=False)
        console.print(told.shown.get_renderable())
        proxy, k3s = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert proxy.startswith("k3d-proxy:5.9.0")
    assert "unpacking [x]" in proxy
    assert k3s.startswith("[k3s]:v1.36")
    assert "1.5/3.0 MB" in k3s
    assert "✓" in shown.getvalue().splitlines()[-1]


def test_a_pipe_gets_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    now = iter(range(1000, 100_000, 10))
    with Terminal().downloads("Pull 2 images", NAMES) as told:
        monkeypatch.setattr(time, "monotonic", lambda: float(next(now)))
        told.tell(NAMES[0], 0, 0, "")
        for part in range(7):
            told.tell(NAMES[1], part * 100_000, 1_000_000, "")
        told.tell(NAMES[1], 1_000_000, 1_000_000, "unpacking")
        monkeypatch.undo()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:-1] == [
        "  ghcr.io/k3d-io/k3d-proxy:5.9.0: waiting",
        "  rancher/[k3s]:v1.36: 0 bytes of 1.0 MB",
        "  rancher/[k3s]:v1.36: 300.0 kB of 1.0 MB",
        "  rancher/[k3s]:v1.36: 600.0 kB of 1.0 MB",
        "  rancher/[k3s]:v1.36: unpacking",
    ]
    assert lines[-1].startswith("✓ Pull 2 images")
