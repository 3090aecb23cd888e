"""The judge's notes: each expectation with what was seen, and the sentence that it comes from."""

from collections.abc import Iterable, Sequence

from todoctl.evidence.history import History
from todoctl.evidence.verdict import Check
from todoctl.validation.contract import CLAIMS
from todoctl.validation.judge.wire import Finding
from todoctl.validation.judge.words import told_in_words
from todoctl.validation.model.fit import Mismatch

NAMES = {
    "downloaded": "download time",
    "expires": "expiry time",
    "last_view": "last access",
    "views": "site count",
    "picture_views": "image count",
    "grace_spent": "grace spent",
    "error": "last_error",
}
"""How the report calls what is told, where not as the model does."""

OWN_CLAIMS = {"views": "counted", "last_view": "last-access", "expires": "times", "error": "last-error"}
"""Which claim is broken where one thing told is wrong; for all others it depends on what was done."""


class Checks:
    """Collects checks; `number` is always that of the event in the history."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.found: list[Check] = []

    def note(self, number: int, claim: str, name: str, expected: str, seen: str, *, passed: bool) -> None:
        """One expectation."""
        self.found.append(
            Check(
                claim=claim,
                sentence=CLAIMS[claim],
                name=name,
                expected=expected,
                seen=seen,
                passed=passed,
                event=number,
            )
        )

    def same(self, number: int, claim: str, name: str, expected: object, seen: object) -> None:
        """The expectation that two things are equal."""
        self.note(number, claim, name, str(expected), str(seen), passed=expected == seen)

    def findings(self, number: int, findings: Iterable[Finding]) -> None:
        """Expectations of a single answer."""
        for found in findings:
            self.same(number, found.claim, found.name, found.expected, found.seen)

    def mismatches(self, number: int, wrong: Iterable[Mismatch], claims: Sequence[str]) -> None:
        """What does not fit any possible state; `claims` are broken by what has no claim of its own."""
        for mismatch in wrong:
            expected, seen = (
                told_in_words({mismatch.name: value}) for value in (mismatch.expected, mismatch.seen)
            )
            own = OWN_CLAIMS.get(mismatch.name)
            for claim in [own] if own else claims:
                self.note(
                    number, claim, NAMES.get(mismatch.name, mismatch.name), expected, seen, passed=False
                )
