"""What the judge found: plain data that every report is made from."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from todoctl.evidence.history import History
from todoctl.validation.contract import CLAIMS, SENTENCES


class Outcome(StrEnum):
    """What is known of a claim. Only what was seen to be right has passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One expectation, held against event number `event` (from 0) of the history.

    `claim` is a key of `contract.SENTENCES`: the sentence that it comes from.
    """

    claim: str
    name: str
    expected: str
    seen: str
    passed: bool
    event: int

    @property
    def sentence(self) -> str:
        return SENTENCES[self.claim]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time (epoch seconds, todoctl's clock) in which the cache had one `status`."""

    begin: float
    end: float
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A page view of the run: event number, what the page said, its picture's SHA-256 where it is known."""

    event: int
    at: float
    status: str
    access_count: int | None
    image_access_count: int | None
    picture: str | None


@dataclass(slots=True, kw_only=True)
class ScenarioResult:
    """How one scenario went. `proves` are the claims it is there for, `missing` those that were not seen.

    `saw` says in a few words what was seen; `notes` tell of other visitors and of tries that were repeated;
    `error` why it could not be played to its end.
    """

    name: str
    title: str
    checks: list[Check] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    saw: str = ""
    error: str = ""
    begin: float = 0.0
    end: float = 0.0

    @property
    def seconds(self) -> float:
        return self.end - self.begin

    @property
    def failures(self) -> list[Check]:
        return [check for check in self.checks if not check.passed]

    @property
    def outcome(self) -> Outcome:
        """Passed when all claims were seen and every check passed."""
        if self.failures:
            return Outcome.FAILED
        return Outcome.NOT_JUDGED if self.missing or self.error or not self.checks else Outcome.PASSED

    @property
    def passed(self) -> bool:
        return self.outcome is Outcome.PASSED

    @property
    def reason(self) -> str:
        """Why it did not pass, in one line; what was seen, where it did."""
        if self.failures:
            check, more = self.failures[0], len(self.failures) - 1
            rest = f" (and {more} more)" if more else ""
            return f"{check.name}: expected {check.expected}, saw {check.seen}{rest}"
        if self.error:
            return self.error
        if self.missing:
            return "not seen: " + "; ".join(CLAIMS[claim] for claim in self.missing)
        return self.saw if self.checks else "nothing was checked"

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "outcome": self.outcome.value,
            "passed": self.passed,
            "reason": self.reason,
            "saw": self.saw,
            "seconds": round(self.seconds, 3),
            "notes": self.notes,
            "missing": self.missing,
            "checks": [
                {
                    "claim": check.claim,
                    "sentence": check.sentence,
                    "name": check.name,
                    "expected": check.expected,
                    "seen": check.seen,
                    "passed": check.passed,
                    "event": check.event,
                }
                for check in self.checks
            ],
        }


@dataclass(slots=True, kw_only=True)
class Verdict:
    """The whole run: it passed when every scenario that was played did. `spans` are the cache's statuses."""

    history: History
    scenarios: list[ScenarioResult] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.history.ended_at - self.history.facts.began_at

    @property
    def passed(self) -> bool:
        return (
            bool(self.scenarios)
            and not self.history.interrupted
            and not any(self.spoils(scenario) for scenario in self.scenarios)
        )

    @property
    def thing(self) -> str:
        """What the results are of."""
        return "scenario"

    def spoils(self, result: ScenarioResult) -> bool:
        """Whether this result keeps the run from passing."""
        return not result.passed

    def to_json(self) -> dict[str, Any]:
        facts = self.history.facts
        return {
            "target": facts.target,
            "url": facts.url,
            "ttl": facts.ttl,
            "source": facts.source,
            "passed": self.passed,
            "interrupted": self.history.interrupted,
            "seconds": round(self.seconds, 3),
            "scenarios": [scenario.to_json() for scenario in self.scenarios],
            "history": self.history.to_json(),
        }
