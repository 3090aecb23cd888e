"""`nox -s faults`: is every fault of the catalogue convicted, by the scenario that is there for it?

Faults in answers are tried on a recorded run, all others are planted in the app. Arguments are parts of
faults' names (none: all). The exit code is 1 where a fault was missed, or where the app without one failed.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.faults.answers import ANSWERED, Answered
from tests.faults.catalogue import FAULTS
from tests.faults.fault import Fault
from tests.faults.recording import of
from tests.faults.trial import trial
from todoctl.evidence.verdict import Outcome
from todoctl.validation.checkers import judge
from todoctl.validation.claims import CLAIMS
from todoctl.validation.scenarios import SCENARIOS

AT_ONCE = 2


def tried(one: Fault | Answered | str) -> tuple[bool, str]:
    """Returns whether a fault was convicted, or the app without one passed a scenario, and what was said."""
    began = time.monotonic()
    try:
        if isinstance(one, Answered):
            verdict = judge(of(one.scenario, one.change))
        else:
            verdict = trial(*((None, [one]) if isinstance(one, str) else (one, [one.scenario])))
        outcome, reason = verdict.scenarios[0].outcome, verdict.scenarios[0].reason
    except Exception as error:  # noqa: BLE001 - of validate: whatever it is, it convicts nobody
        outcome, reason = Outcome.NOT_JUDGED, f"no verdict: {error!r}"
    if isinstance(one, str):
        right, title = outcome is Outcome.PASSED, f"no fault ({one})"
    else:
        right, title = outcome is Outcome.FAILED, f"{one.name} ({one.scenario})\n    {CLAIMS[one.claim]}"
    seconds = time.monotonic() - began
    return right, f"{'✓' if right else '✗'} {title}\n    {outcome}, {reason} ({seconds:.1f} s)\n"


def _is_chosen(name: str, parts: Sequence[str]) -> bool:
    return not parts or any(part in name for part in parts)


def main() -> int:
    """Tries each fault, some at once, and the app without one in every scenario."""
    parser = argparse.ArgumentParser(prog="nox -s faults --")
    parser.add_argument("names", nargs="*", help="parts of the names of the faults to try")
    names = parser.parse_args().names
    planted: list[Fault | str] = [one for one in FAULTS if _is_chosen(one.name, names)]
    planted += [] if names else [scenario.name for scenario in SCENARIOS]
    results: list[tuple[bool, str]] = []

    def show(result: tuple[bool, str]) -> None:
        results.append(result)
        sys.stdout.write(result[1])
        sys.stdout.flush()

    for answered in ANSWERED:
        if _is_chosen(answered.name, names):
            show(tried(answered))
    with ProcessPoolExecutor(AT_ONCE, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(tried, one) for one in planted]):
            show(done.result())
    missed = [told for right, told in results if not right]
    sys.stdout.write(f"\n{len(results) - len(missed)} of {len(results)} judged right\n{''.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
