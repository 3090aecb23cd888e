"""Judging what was seen so that a fault of the judge loses nothing, and costs no other app its verdict."""

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from todoctl.errors import TodoctlError
from todoctl.evidence.history import History
from todoctl.evidence.verdict import ScenarioResult, Verdict

Judge = Callable[[History], Verdict]


def judged(histories: Sequence[History], judge: Judge) -> list[Verdict]:
    """Returns a verdict on each history, all of which are in a file meanwhile.

    Where `judge` fails the results say so, nothing counts as judged, and the file stays.
    """
    path, failed = _save(histories), False
    verdicts: list[Verdict] = []
    for history in histories:
        try:
            verdicts.append(judge(history))
        except TodoctlError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours, whatever it is
            failed = True
            again = f"; 'todoctl judge {path}' tries again" if path else ""
            why = f"todoctl could not judge it ({type(error).__name__}: {str(error)[:200]}){again}"
            verdicts.append(Verdict(history=history))
            verdicts[-1].scenarios = [
                ScenarioResult(name=play.name, title=play.title, error=why, begin=play.begin, end=play.end)
                for play in history.plays
            ]
    if path and not failed:
        path.unlink(missing_ok=True)
    return verdicts


def _save(histories: Sequence[History]) -> Path | None:
    """Writes a file that `todoctl judge` reads; None where the disk is full."""
    with suppress(OSError):
        number, name = tempfile.mkstemp(prefix="todoctl-history-", suffix=".json")
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump({"apps": [history.to_json() for history in histories]}, file)
        return Path(name)
    return None
