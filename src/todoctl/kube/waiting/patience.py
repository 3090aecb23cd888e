"""How long something is waited for: as long as anything goes on, whatever the clock says."""

import threading
from collections.abc import Sequence
from time import monotonic

from todoctl.errors import UnavailableError
from todoctl.kube.waiting.blocker import Blocker, Grade
from todoctl.targets.base import Step

STUCK_SECONDS = 45.0
"""How long a trouble that does not go away by itself may stand before it counts as the outcome.

An image that cannot be pulled has failed three times by then (after 0, 10 and 30 s, and what each attempt
takes), and so has a container that ends as soon as it starts.
"""

QUIET_SECONDS = 330.0
"""How long nothing new may happen: above the longest pause between two attempts of Kubernetes, 300 s.

https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff
"""


class Patience:
    """Told again and again what is in the way, it shows that, and says when to wait no longer.

    `outcome` is what has happened then; `fix` what to do where the blocker itself has no better advice.
    """

    def __init__(self, outcome: str, fix: str, step: Step | None, stop: threading.Event) -> None:
        self._outcome = outcome
        self._fix = fix
        self._step = step
        self._stop = stop
        self._stuck: dict[str, float | None] = {}
        self._seen: set[str] = set()
        self._news = monotonic()

    def judge(self, found: Sequence[Blocker]) -> None:
        """Raises `UnavailableError` where waiting on is of no use, or nobody waits any more.

        `found` is all that is in the way now, the most telling first.
        """
        now = monotonic()
        self._stuck = {one.trouble: self._since(one, now) for one in found}
        for one in found:
            if one.grade >= Grade.STUCK and self._stood(one, now):
                raise self._end(self._outcome, one)
        new = {one.what for one in found} - self._seen
        if new or any(one.grade is Grade.MOVING for one in found):
            self._news = now
        self._seen |= new
        if now - self._news > QUIET_SECONDS:
            silence = f"nothing new has happened for {QUIET_SECONDS:g} s"
            raise self._end(f"{self._outcome}, and {silence}", found[0])
        if self._stop.is_set():
            raise self._end("Waiting was given up", found[0])
        if self._step:
            first = found[0]
            pause = "; Kubernetes tries again within 5 minutes" if self._is_old(first) else ""
            self._step.update(f"{first.what}{pause}", first.began)

    def _since(self, one: Blocker, now: float) -> float | None:
        """When this trouble was first found stuck; an attempt under way does not make it a new one.

        What was tried before anybody waited may have been mended since: the next attempt tells.
        """
        before = self._stuck.get(one.trouble)
        return now if before is None and one.grade >= Grade.STUCK and not one.paused else before

    def _is_old(self, one: Blocker) -> bool:
        return one.paused and self._stuck[one.trouble] is None

    def _stood(self, one: Blocker, now: float) -> bool:
        since = self._stuck[one.trouble]
        return since is not None and (one.grade is Grade.FINAL or now - since > STUCK_SECONDS)

    def _end(self, outcome: str, one: Blocker) -> UnavailableError:
        return UnavailableError(outcome, why=one.what, fix=one.fix or self._fix)
