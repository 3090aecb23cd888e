"""A trial: the real app, with a fault in it, brought up on the local target and validated."""

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tests.app_server import free_port
from tests.faults.fault import Edit, planted
from todoctl.evidence.verdict import ScenarioResult, Verdict
from todoctl.settings import Settings
from todoctl.state import Home
from todoctl.targets.local.target import LocalTarget
from todoctl.validate import validate
from todoctl.validation.scenarios import chosen


class Silence:
    """Shows nothing: a `todoctl.targets.base.Progress` with its steps, and a run's audience."""

    @contextmanager
    def step(self, _title: str) -> Iterator["Silence"]:
        yield self

    @contextmanager
    def downloads(self, _title: str, _names: Sequence[str]) -> Iterator["Silence"]:
        yield self

    def update(self, detail: str, began: float | None = None) -> None:
        """Not shown."""

    def show(self, name: str, loaded: int, size: int, doing: str) -> None:
        """Not shown."""

    def note(self, text: str) -> None:
        """Not shown."""

    def command(self, *pipeline: Sequence[str]) -> None:
        """Not shown."""

    def expect(self, _plan: Sequence[tuple[str, float]]) -> nullcontext[None]:
        return nullcontext()

    def scenario(self, _name: str, _title: str) -> nullcontext[Callable[[str], None]]:
        return nullcontext(self.note)

    def finished(self, result: ScenarioResult) -> None:
        """Not shown."""


class Haste(Silence):
    """Ends the run with the first scenario that does not pass."""

    def finished(self, result: ScenarioResult) -> None:
        if not result.passed:
            raise SystemExit(f"{result.name} {result.outcome}: {result.reason}")


def trial(
    edit: Edit | None,
    scenarios: Sequence[str] = (),
    *,
    home: Path | None = None,
    port: int | None = None,
    shown: Silence | None = None,
) -> Verdict:
    """The verdict on an app with `edit` in it; all scenarios are played where none is named.

    Raises `TodoctlError` where the app does not even come up.
    """
    shown = shown or Silence()
    with tempfile.TemporaryDirectory() as scratch, planted(edit):
        target = LocalTarget(Home(home or Path(scratch)))
        try:
            target.up(Settings(port=port or free_port(), image_url="sample:"), shown)
            return validate(
                target,
                shown,
                shown,
                chosen(list(scenarios), full=False),
                full=False,
                report=lambda _verdict: None,
            )
        finally:
            target.stop()


if __name__ == "__main__":
    trial(None, home=Path(sys.argv[1]), shown=Haste())
