"""What a validation found: plain data that every output is made from."""

from dataclasses import dataclass, field
from typing import Any

from todoctl.client import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was expected, and what was seen."""

    name: str
    expected: str
    seen: str
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One page view that the run made; `at` in epoch seconds by the app's clock."""

    at: float
    status: str
    downloaded_at: float | None
    expires_at: float | None
    access_count: int
    image_access_count: int
    image: Image | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """The cache's `status` from the moment `at` (epoch seconds, this machine's clock) on."""

    at: float
    status: str


@dataclass(slots=True, kw_only=True)
class ScenarioResult:
    """How one scenario went: `notes` tell of tries that were given up and why."""

    name: str
    title: str
    checks: list[Check] = field(default_factory=list)
    accesses: list[Access] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: str = ""
    began_at: float = 0.0
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Every check passed, and there was at least one."""
        return not self.error and bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def reason(self) -> str:
        """Why it failed, in one line; what was seen, where it passed."""
        if self.error:
            return self.error
        wrong = [
            f"{check.name}: expected {check.expected}, saw {check.seen}"
            for check in self.checks
            if not check.passed
        ]
        if wrong:
            return "; ".join(wrong)
        return f"{len(self.checks)} checks passed" if self.checks else "nothing was checked"

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "passed": self.passed,
            "reason": self.reason,
            "seconds": round(self.seconds, 3),
            "notes": self.notes,
            "checks": [
                {
                    "name": check.name,
                    "expected": check.expected,
                    "seen": check.seen,
                    "passed": check.passed,
                }
                for check in self.checks
            ],
        }


@dataclass(slots=True, kw_only=True)
class Verdict:
    """The whole run: it passed when every scenario ran and passed."""

    target: str
    url: str
    ttl: float
    source: str
    began_at: float
    scenarios: list[ScenarioResult] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return bool(self.scenarios) and all(scenario.passed for scenario in self.scenarios)

    def to_json(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "url": self.url,
            "ttl": self.ttl,
            "source": self.source,
            "passed": self.passed,
            "seconds": round(self.seconds, 3),
            "scenarios": [scenario.to_json() for scenario in self.scenarios],
        }
