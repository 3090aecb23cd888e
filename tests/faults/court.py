"""`nox -s faults`: is every fault of the catalogue convicted, by the scenario that is there for it?

Arguments are parts of faults' names (none: all); `--all` plays every scenario of each. The exit code is 1
where a fault was not convicted, or where the app without one did not pass.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from tests.faults.catalogue import FAULTS
from tests.faults.fault import Fault
from tests.faults.trial import trial
from todoctl.evidence.verdict import Outcome
from todoctl.validation.contract import CLAIMS
from todoctl.validation.scenarios import SCENARIOS

AT_ONCE = 2
ALONE = tuple((scenario.name,) for scenario in SCENARIOS)
HEALTHY: tuple[tuple[str, ...], ...] = ((), *ALONE, ())
"""What the app without a fault has to pass: the whole run twice, and each scenario alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a trial went: `right` where the fault was convicted, or the healthy app passed."""

    fault: Fault | None
    right: bool
    scenario: str
    outcome: str
    reason: str
    seconds: float


def convict(fault: Fault, *, everything: bool) -> Result:
    """Whether the scenario that is there for the fault fails, or, with `everything`, any."""
    began = time.monotonic()
    outcome, reason, elsewhere = Outcome.NOT_JUDGED, "", []
    try:
        verdict = trial(fault, () if everything else [fault.scenario])
    except Exception as error:  # noqa: BLE001 - of validate: whatever it is, it convicts nobody
        reason = f"no verdict: {error!r}"
    else:
        result = next(one for one in verdict.scenarios if one.name == fault.scenario)
        outcome, reason = result.outcome, result.reason
        elsewhere = [one.name for one in verdict.scenarios if one.failures and one is not result]
        if elsewhere:
            reason += f" (also {', '.join(elsewhere)})"
    return Result(
        fault=fault,
        right=outcome is Outcome.FAILED or bool(elsewhere),
        scenario=fault.scenario,
        outcome=outcome.value,
        reason=reason,
        seconds=time.monotonic() - began,
    )


def acquit(scenarios: Sequence[str]) -> Result:
    """Whether the app without a fault passes `scenarios`, all where none is named."""
    began = time.monotonic()
    verdict = trial(None, scenarios)
    bad = [f"{one.name}: {one.reason}" for one in verdict.scenarios if not one.passed]
    return Result(
        fault=None,
        right=verdict.passed,
        scenario=", ".join(scenarios) or "all",
        outcome=(Outcome.PASSED if verdict.passed else Outcome.FAILED).value,
        reason="; ".join(bad) or "all as documented",
        seconds=time.monotonic() - began,
    )


def show(result: Result) -> None:
    """One line of the table, and the sentence that was broken."""
    mark = "✓" if result.right else "✗ MISSED" if result.fault else "✗ FALSE ALARM"
    name, sentence = (result.fault.name, CLAIMS[result.fault.claim]) if result.fault else ("no fault", "all")
    sys.stdout.write(
        f"{mark} {name}\n    {sentence}\n"
        f"    {result.scenario}: {result.outcome}, {result.reason} ({result.seconds:.1f} s)\n"
    )
    sys.stdout.flush()


def main() -> int:
    """Holds a trial for each fault, some at once."""
    parser = argparse.ArgumentParser(prog="nox -s faults --")
    parser.add_argument("names", nargs="*", help="parts of the names of the faults to try")
    parser.add_argument("--all", action="store_true", help="play all scenarios of each, not its own alone")
    options = parser.parse_args()
    chosen = [fault for fault in FAULTS if not options.names or any(n in fault.name for n in options.names)]
    spawn = multiprocessing.get_context("spawn")
    results = []
    with ProcessPoolExecutor(AT_ONCE, mp_context=spawn) as court:
        trials = []
        apart = len(chosen) // len(HEALTHY) + 1
        for number, fault in enumerate(chosen):
            if number % apart == 0:
                trials.append(court.submit(acquit, HEALTHY[number // apart]))
            trials.append(court.submit(convict, fault, everything=options.all))
        for done in as_completed(trials):
            results.append(done.result())
            show(results[-1])
    missed = [result.fault.name for result in results if result.fault and not result.right]
    alarms = sum(not result.right for result in results if not result.fault)
    faults = sum(result.fault is not None for result in results)
    sys.stdout.write(f"\n{faults - len(missed)} of {faults} faults convicted, {alarms} false alarms\n")
    sys.stdout.writelines(f"missed: {name}\n" for name in missed)
    return 1 if missed or alarms else 0


if __name__ == "__main__":
    sys.exit(main())
