"""`nox -s mutants`: of the mutants that the app's own tests kill, how many does `validate` convict?

Each is a change of one token, chosen at random (`tests.faults.mutation`) and planted as a fault is. The same
seed makes the same mutants: a run that was ended goes on with `--first`, single ones are tried with `--only`.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.faults.fault import HERE, Edit, environment
from tests.faults.mutation import mutants
from todoctl.state import Home
from todoctl.targets.local.target import LocalTarget

AT_ONCE = 3
SECONDS = 300.0
"""For the tests, and for a validation: what takes longer hangs."""

QUICK = ("policy", "metadata", "page", "picture", "cache", "fetch", "web")
SLOW = ("start", "volume", "faults")
"""Tests of tests/todoapp: all but those of crashes, of the browser, and of modules that are not mutated."""

PYTEST = (sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider")
SLOWEST = "tests/todoapp/test_faults.py::test_the_old_picture_is_kept_and_the_service_given_time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a mutant: the test that killed it, and what `validate` said; empty where it passed."""

    number: int
    mutant: Edit
    killer: str
    sentence: str


def judged(number: int, mutant: Edit) -> Result:
    """A mutant before both courts."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        told = environment(mutant) | {"HYPOTHESIS_STORAGE_DIRECTORY": scratch}
        tests = (*PYTEST, f"--basetemp={scratch}/tests")
        killer = _failure((*tests, *_files(QUICK)), told, hung="hangs")
        killer = killer or _failure((*tests, "-n3", "--deselect", SLOWEST, *_files(SLOW)), told, hung="hangs")
        try:
            sentence = _failure((sys.executable, "-m", "tests.faults.trial", scratch), told, hung="")
        finally:
            LocalTarget(Home(Path(scratch))).stop()
    return Result(number=number, mutant=mutant, killer=killer, sentence=sentence)


def _files(names: tuple[str, ...]) -> list[str]:
    return [f"tests/todoapp/test_{name}.py" for name in names]


def _failure(command: tuple[str, ...], told: dict[str, str], *, hung: str) -> str:
    """What `command` names as failed, or says last, where its exit code is not 0; `hung` where it hangs."""
    root = HERE.parents[1]
    with subprocess.Popen(
        command,
        cwd=root,
        env=told,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return hung
    if process.returncode == 0:
        return ""
    lines = output.strip().splitlines() or [f"exit code {process.returncode}"]
    return next((line for line in lines if line.startswith(("FAILED ", "ERROR "))), lines[-1])


def main() -> int:
    """Tries mutants, some at once, and tells of each as soon as it is known."""
    parser = argparse.ArgumentParser(prog="nox -s mutants --")
    parser.add_argument("--number", type=int, default=100, help="of mutants (default 100)")
    parser.add_argument("--seed", type=int, default=1, help="another one makes other mutants (default 1)")
    parser.add_argument("--first", type=int, default=1, help="go on with this one")
    parser.add_argument("--only", type=int, nargs="+", help="the numbers of those to try")
    options = parser.parse_args()
    numbered = list(enumerate(mutants(options.number, options.seed), start=1))
    chosen = [one for one in numbered if one[0] >= options.first and one[0] in (options.only or {one[0]})]
    results = []
    with ThreadPoolExecutor(AT_ONCE) as courts:
        for result in courts.map(lambda one: judged(*one), chosen):
            results.append(result)
            sys.stdout.write(
                f"{result.number:>4} {result.mutant.name}\n"
                f"     {result.killer or 'lives through the tests'}\n     {result.sentence or 'FREE'}\n"
            )
            sys.stdout.flush()
    killed = [result for result in results if result.killer]
    free = [result for result in killed if not result.sentence]
    others = sum(bool(result.sentence) for result in results if not result.killer)
    share = 100 * (len(killed) - len(free)) / max(len(killed), 1)
    sys.stdout.write(f"\n{len(killed)} of {len(results)} mutants killed by the app's tests; ")
    sys.stdout.write(f"validate convicts {share:.0f} % of those, and {others} of the others\n")
    sys.stdout.writelines(f"free {result.number:>4} {result.mutant.name}\n" for result in free)
    return 0


if __name__ == "__main__":
    sys.exit(main())
