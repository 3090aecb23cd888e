"""The verdict on an app of the course."""

from dataclasses import dataclass

from todoctl.evidence.verdict import Outcome, ScenarioResult, Verdict
from todoctl.validation.contract import COURSE

CLAIMS = tuple(key.partition(".")[2] for key in COURSE)
"""In the order in which they are shown."""

ESSENTIAL = frozenset({"shown", "stays"})
"""What has to have been judged: nothing else means much without."""


@dataclass(slots=True, kw_only=True)
class CourseVerdict(Verdict):
    """What was judged claim by claim."""

    @property
    def thing(self) -> str:
        return "claim"

    @property
    def counted(self) -> frozenset[str]:
        """The claims that count: all, or those that were named."""
        return frozenset(play.name for play in self.history.plays if play.proves)

    @property
    def broken(self) -> bool:
        """Whether it was not the app that kept anything from being judged."""
        return any(play.name == "shown" and play.error for play in self.history.plays)

    def spoils(self, result: ScenarioResult) -> bool:
        """A claim that counts and failed does, and one that was not judged where it had to be.

        Whoever names claims wants them judged.
        """
        if result.name not in self.counted or result.passed:
            return False
        needed = ESSENTIAL if self.counted == frozenset(CLAIMS) else self.counted
        return result.outcome is Outcome.FAILED or result.name in needed
