"""The verdict on an app of the course."""

from typing import Any

from todoctl.evidence.history import History
from todoctl.evidence.verdict import Verdict
from todoctl.validation.claims import COURSE

CLAIMS = tuple(key.partition(".")[2] for key in COURSE)
"""In the order in which they are shown."""

ESSENTIAL = frozenset({"shown", "stays"})
"""What has to have been judged: nothing else means much without."""


def verdict(history: History, **found: Any) -> Verdict:  # noqa: ANN401 - the verdict's own fields
    """Puts the results together: which ones count, and which of those have to have been judged.

    Whoever names claims wants them judged.
    """
    counted = frozenset(play.name for play in history.plays if play.proves)
    return Verdict(
        history=history,
        counted=counted,
        needed=ESSENTIAL if counted == frozenset(CLAIMS) else counted,
        broken=any(play.name == "shown" and play.error for play in history.plays),
        **found,
    )
