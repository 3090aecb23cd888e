"""What the judge found: plain data that every report is made from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from todoctl.errors import ExitCode
from todoctl.evidence.history import History


class Outcome(StrEnum):
    """What is known of a claim. Only what was seen to be right has passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One expectation, held against event number `event` (from 0) of the history.

    `claim` names the `sentence` that it comes from.
    """

    claim: str
    sentence: str
    name: str
    expected: str
    seen: str
    passed: bool
    event: int


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
    """How one scenario went. `missing` are the claims that it is there for and that were not seen: sentences
    by name.

    `saw` says in a few words what was seen; `notes` tell of other visitors and of tries that were repeated;
    `error` why it could not be played to its end.
    """

    name: str
    title: str
    checks: list[Check] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
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
            return "not seen: " + "; ".join(self.missing.values())
        return self.saw if self.checks else "nothing was checked"


@dataclass(slots=True, kw_only=True)
class Verdict:
    """The whole run. `spans` are the cache's statuses.

    `counted` names the results that count, None all of them; `needed` those of them that have to have been
    judged, None all that count. `broken` says that it was not the app that kept anything from being judged.
    """

    history: History
    scenarios: list[ScenarioResult] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    counted: frozenset[str] | None = None
    needed: frozenset[str] | None = None
    broken: bool = False

    @property
    def seconds(self) -> float:
        return self.history.ended_at - self.history.facts.began_at

    @property
    def outcome(self) -> Outcome:
        """Failed when something that counts failed, passed when all that has to be judged passed."""
        spoiling = [result.outcome for result in self.scenarios if self.spoils(result)]
        if Outcome.FAILED in spoiling:
            return Outcome.FAILED
        unknown = spoiling or not self.scenarios or self.history.interrupted
        return Outcome.NOT_JUDGED if unknown else Outcome.PASSED

    @property
    def passed(self) -> bool:
        return self.outcome is Outcome.PASSED

    @property
    def thing(self) -> str:
        """What the results are of."""
        return self.history.facts.kind.removesuffix("s")

    def spoils(self, result: ScenarioResult) -> bool:
        """Whether this result keeps the run from passing."""
        if result.passed or (self.counted is not None and result.name not in self.counted):
            return False
        return result.outcome is Outcome.FAILED or self.needed is None or result.name in self.needed

    def to_json(self) -> dict[str, Any]:
        """Returns plain values: what `todoctl judge` reads, and what is documented by `VerdictDocument`."""
        history = self.history
        results = [_document(ResultDocument, result) for result in self.scenarios]
        about = _document(VerdictDocument, self, history, history.facts, scenarios=results, history=None)
        return about | {"history": history.to_json()}


def _document(kind: type[msgspec.Struct], *sources: object, **known: object) -> dict[str, Any]:
    """The fields of `kind`, each from the first of `sources` that has it."""
    for name in kind.__struct_fields__:
        if name not in known:
            found = next(getattr(source, name) for source in sources if hasattr(source, name))
            known[name] = round(found, 3) if name == "seconds" else found
            known[name] = list(found) if name == "missing" else known[name]
    plain: dict[str, Any] = msgspec.to_builtins(known)
    return plain


class ResultDocument(msgspec.Struct, kw_only=True):
    """One scenario, or one claim. `missing` are claims that were not seen, `saw` says what was."""

    name: str
    title: str
    outcome: Outcome
    passed: bool
    reason: str
    saw: str
    seconds: float
    notes: list[str]
    missing: list[str]
    checks: list[Check]


class VerdictDocument(msgspec.Struct, kw_only=True):
    """The verdict on one app. `scenarios` are its claims where that is the `kind`."""

    kind: str
    target: str
    url: str
    ttl: float
    source: str
    outcome: Outcome
    passed: bool
    interrupted: bool
    seconds: float
    scenarios: list[ResultDocument]
    history: History


def exit_code(verdicts: Sequence[Verdict]) -> ExitCode:
    """Returns what a command ends with that has come to these."""
    outcomes = {verdict.outcome for verdict in verdicts}
    if all(verdict.broken for verdict in verdicts):
        return ExitCode.UNAVAILABLE
    if Outcome.FAILED in outcomes:
        return ExitCode.FAILED
    return ExitCode.NOT_JUDGED if Outcome.NOT_JUDGED in outcomes else ExitCode.OK
