"""`nox -s faults`: is every fault of the catalogue convicted, by the scenario that is there for it?

Faults in answers are tried on a recorded run, all others are planted in the app. Arguments are parts of
faults' names (none: all). The exit code is 1 where a fault was missed, or where the app without one failed.
"""

import argparse
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from tests.faults.answers import ANSWERED, Answered
from tests.faults.catalogue import FAULTS
from tests.faults.fault import Fault
from tests.faults.recording import of
from tests.faults.trial import trial
from todoctl.evidence.verdict import Outcome, ScenarioResult
from todoctl.validation.checkers import judge
from todoctl.validation.claims import CLAIMS
from todoctl.validation.scenarios import SCENARIOS

AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a trial went: `right` where the fault was convicted, or the app without one passed."""

    title: str
    right: bool
    outcome: str
    reason: str
    seconds: float


def convict(fault: Fault | Answered) -> Result:
    """Returns whether the scenario that is there for the fault fails."""
    began = time.monotonic()
    try:
        found: ScenarioResult = (
            trial(fault, [fault.scenario])
            if isinstance(fault, Fault)
            else judge(of(fault.scenario, fault.change))
        ).scenarios[0]
        outcome, reason = found.outcome, found.reason
    except Exception as error:  # noqa: BLE001 - of validate: whatever it is, it convicts nobody
        outcome, reason = Outcome.NOT_JUDGED, f"no verdict: {error!r}"
    return Result(
        title=f"{fault.name} ({fault.scenario})\n    {CLAIMS[fault.claim]}",
        right=outcome is Outcome.FAILED,
        outcome=outcome,
        reason=reason,
        seconds=time.monotonic() - began,
    )


def acquit(scenario: str) -> Result:
    """Returns whether the app without a fault passes `scenario`, played alone."""
    began = time.monotonic()
    (found,) = trial(None, [scenario]).scenarios
    return Result(
        title=f"no fault ({scenario})",
        right=found.passed,
        outcome=found.outcome,
        reason=found.reason,
        seconds=time.monotonic() - began,
    )


def main() -> int:
    """Tries each fault, some at once, and the app without one in every scenario."""
    parser = argparse.ArgumentParser(prog="nox -s faults --")
    parser.add_argument("names", nargs="*", help="parts of the names of the faults to try")
    names = parser.parse_args().names

    def chosen(name: str) -> bool:
        return not names or any(part in name for part in names)

    right = {"faults": [0, 0], "scenarios without a fault": [0, 0]}
    missed: list[str] = []

    def show(result: Result, kind: str) -> None:
        right[kind][0] += result.right
        right[kind][1] += 1
        missed.extend([] if result.right else [result.title])
        sys.stdout.write(
            f"{'✓' if result.right else '✗'} {result.title}\n"
            f"    {result.outcome}, {result.reason} ({result.seconds:.1f} s)\n"
        )
        sys.stdout.flush()

    for answered in filter(lambda one: chosen(one.name), ANSWERED):
        show(convict(answered), "faults")
    with ProcessPoolExecutor(AT_ONCE, mp_context=multiprocessing.get_context("spawn")) as pool:
        trials = {pool.submit(convict, fault): "faults" for fault in FAULTS if chosen(fault.name)}
        if not names:
            healthy = (pool.submit(acquit, scenario.name) for scenario in SCENARIOS)
            trials |= dict.fromkeys(healthy, "scenarios without a fault")
        for done in as_completed(trials):
            show(done.result(), trials[done])
    for kind, (well, all_of_them) in right.items():
        sys.stdout.write(f"{well} of {all_of_them} {kind} judged right\n")
    sys.stdout.writelines(f"wrong: {title}\n" for title in missed)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
