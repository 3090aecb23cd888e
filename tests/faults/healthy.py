"""`nox -s healthy`: is an app without a fault ever accused, whatever goes on around it?

Plays the whole run again and again under each of CONDITIONS, some runs at once, and prints what did not
pass. Arguments are how many runs in all (100), and names of scenarios where not all are to be played. A run
that was not judged is no false alarm, but is counted.
"""

import argparse
import multiprocessing
import random
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass

import httpx

from tests.app_server import free_port
from tests.faults.fault import Edit
from tests.faults.trial import trial
from todoctl.evidence.verdict import Outcome

AT_ONCE = 2

SLOW_PAGE = Edit(
    "pages 1.5 s slow",
    "app",
    'seen = await (cache.look() if request.method == "HEAD" else cache.view())',
    'await __import__("asyncio").sleep(1.5)\n'
    '        seen = await (cache.look() if request.method == "HEAD" else cache.view())',
)
OTHER_CLOCK = Edit(
    "clock an hour ahead",
    "cache",
    "clock: Callable[[], float] = time.time",
    "clock: Callable[[], float] = lambda: time.time() + 3600",
)


@contextmanager
def busy(_port: int) -> Iterator[None]:
    """Both cores have other things to do."""
    burners = [multiprocessing.get_context("spawn").Process(target=burn, daemon=True) for _ in range(2)]
    for burner in burners:
        burner.start()
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()


def burn() -> None:
    while True:
        sum(range(10_000))


@contextmanager
def visited(port: int) -> Iterator[None]:
    """Somebody else looks at the page now and then."""
    over = threading.Event()

    def visit() -> None:
        while not over.wait(random.uniform(0.5, 5.0)):  # noqa: S311 - no secret
            with suppress(httpx.HTTPError):
                httpx.get(f"http://127.0.0.1:{port}/", timeout=10)

    with ThreadPoolExecutor(1) as visitor:
        visitor.submit(visit)
        try:
            yield
        finally:
            over.set()


@dataclass(frozen=True, slots=True)
class Condition:
    """What goes on around the app, what is different in it, and how many of a hundred runs are made so."""

    name: str
    around: Callable[[int], AbstractContextManager[None]] = lambda _: nullcontext()
    edit: Edit | None = None
    share: int = 20


CONDITIONS = (
    Condition("idle", share=30),
    Condition("both cores busy", busy),
    Condition("a second visitor", visited),
    Condition("clock an hour ahead", edit=OTHER_CLOCK),
    Condition("pages 1.5 s slow", edit=SLOW_PAGE, share=10),
)


def attempt(number: int, scenarios: Sequence[str]) -> tuple[str, Outcome, str, float]:
    """One run: its condition's name, how it ended, why, and how long it took (seconds)."""
    condition, began, port = CONDITIONS[number], time.monotonic(), free_port()
    with condition.around(port):
        verdict = trial(condition.edit, scenarios, port=port)
    wrong = [f"{one.name}: {one.reason} {one.notes}" for one in verdict.scenarios if not one.passed]
    return condition.name, verdict.outcome, "; ".join(wrong), time.monotonic() - began


def main() -> int:
    """Plays the runs, and tells of each that did not pass."""
    parser = argparse.ArgumentParser(prog="nox -s healthy --")
    parser.add_argument("runs", nargs="?", type=int, default=100, help="how many in all")
    parser.add_argument("scenarios", nargs="*", help="those to play; all where none is named")
    options = parser.parse_args()
    plan = [
        number
        for number, condition in enumerate(CONDITIONS)
        for _ in range(max(round(condition.share * options.runs / 100), 1))
    ]
    random.shuffle(plan)
    results: defaultdict[str, list[Outcome]] = defaultdict(list)
    with ProcessPoolExecutor(AT_ONCE, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(attempt, number, options.scenarios) for number in plan]):
            name, outcome, reason, seconds = done.result()
            results[name].append(outcome)
            sys.stdout.write(f"{outcome.value:10} {name}, {seconds:.1f} s  {reason}\n")
            sys.stdout.flush()
    for name, outcomes in results.items():
        told = ", ".join(f"{outcomes.count(outcome)} {outcome.value}" for outcome in Outcome)
        sys.stdout.write(f"{name}: {told}\n")
    return 1 if any(Outcome.FAILED in outcomes for outcomes in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
