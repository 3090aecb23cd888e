"""`validate --url`: several apps watched side by side, and the verdict on each."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from todoctl.course.judge import judge
from todoctl.course.options import CourseOptions
from todoctl.course.plan import PACE, Plan
from todoctl.course.watch import Tell, Watch
from todoctl.evidence.judging import judged
from todoctl.evidence.verdict import Verdict

FAREWELL_SECONDS = 5.0
"""What a visit under way gets to end when the run is interrupted."""

WAKE_SECONDS = 0.5
"""A Ctrl-C that the system hands to another thread is noticed when this one goes on."""


class Board(Protocol):
    """Shows how several runs stand."""

    def side_by_side(self, names: Sequence[str]) -> AbstractContextManager[Tell]:
        """Around the runs; what it gives is told what each does."""
        ...


def validate(
    apps: Sequence[CourseOptions],
    board: Board,
    report: Callable[[list[Verdict]], None],
    *,
    pace: float = PACE,
) -> list[Verdict]:
    """Watches `apps`; `report` gets the verdicts, also those of a run that is interrupted."""
    ending = threading.Event()
    watches: list[Watch] = []
    try:
        with board.side_by_side([app.url for app in apps]) as tell:
            watches += [Watch(app, Plan(app.ttl, pace), tell, ending) for app in apps]
            threads = [threading.Thread(target=watch.run, daemon=True) for watch in watches]
            for thread in threads:
                thread.start()
            try:
                for thread in threads:
                    while thread.is_alive():
                        thread.join(WAKE_SECONDS)
            finally:
                ending.set()
                for thread in threads:
                    thread.join(FAREWELL_SECONDS)
    finally:
        for watch in watches:
            if watch.history.interrupted:
                watch.finish()
        verdicts = judged([watch.history for watch in watches], judge)
        report(verdicts)
    return verdicts
