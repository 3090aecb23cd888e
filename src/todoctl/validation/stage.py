"""Where scenarios play: the app with its volume set aside, visitors, and a history of all that happens.

A stage arranges and waits by what it is told, and judges nothing: what it was told may be wrong.
"""

import time
from collections.abc import Callable

from todoctl.evidence.pages import Observation, answered, or_none
from todoctl.targets.base import Way
from todoctl.validation.actor import Actor
from todoctl.validation.model.policy import FIRST_WAIT

QUICK_TTL = 0.8
"""Seconds a picture is valid in a quick run: enough for some page views. Where it is not, it is doubled."""

SLOW_TTL = 8.0
"""The same where a start takes seconds until the page answers."""

BRIEF_TTL = 0.1
"""Seconds: an expiry is soon waited for."""

POLL_SECONDS = 0.03

MARGIN = 0.01
"""Seconds after a moment by which it has surely come."""

LAST_LOOK = 0.04
"""Seconds before an expiry in which a picture is seen to be valid still."""

REST_SECONDS = 0.03
"""After a scenario, for what the app may do behind its visitors' backs."""

SETTLE_SECONDS = 12.0
"""How long to wait for what the app does by itself, above the model's `LATE`."""

UNSPENT = ("valid", "expired")
"""Statuses of a picture whose grace view is still to come."""


class Stage(Actor):
    """One run's means."""

    waiting: Callable[[str], None] = staticmethod(lambda _: None)
    """Is told what is being waited for."""
    slowness = 1
    """How many times longer it takes than on a quick machine until something has to be over."""

    @property
    def ttl(self) -> float:
        """Seconds, for the scenarios that wait for an expiry."""
        return (SLOW_TTL if self.target.start_seconds > QUICK_TTL else QUICK_TTL) * self.slowness

    @property
    def brief(self) -> float:
        """Seconds, for those that need an expiry and nothing before it; longer where many come slowly."""
        return BRIEF_TTL * self.slowness**2

    def require(self, ttl: float | None = None) -> None:
        """The app of this run, with this TTL or any."""
        if not self.target.volume.is_set_aside() or self.detached or self.upset:
            self.start(ttl or self.settings.ttl, emptied=True)
        elif ttl and self.settings.ttl != ttl and not self.full:
            self.start(ttl)

    def begin_together(self) -> None:
        """Two processes; the second begins while the first still waits for its first picture.

        A pod begins too late for that.
        """
        if self.service is None or self.target.rolling:
            self.require(self.brief)
            self.scale(2)
            return
        self.serve(Way.SLOW)
        self.start(self.brief, emptied=True)
        self.scale(2)
        self.serve(Way.PICTURE)
        self.wait_for_picture()
        self.pause(FIRST_WAIT)  # the second one has seen it by then, and asks for none

    def slow_down(self) -> None:
        """Twice as much time for what has to happen before an expiry."""
        self.slowness *= 2

    def wait_for_picture(self) -> Observation:
        """Until there is one that nobody viewed, as after a start on an empty volume; or for a while.

        Returns what was told last.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        while (told := self.look()).status not in UNSPENT and time.monotonic() < deadline:
            self.waiting("waiting for the picture")
            time.sleep(POLL_SECONDS)
        return told

    def make_picture(self) -> None:
        """Some picture, whatever its age; an image service that has failed is asked again for a while."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while or_none(self.look().picture) is None and time.monotonic() < deadline:
            self.pause(FIRST_WAIT)
            self.visit()

    def view_again(self) -> None:
        """A page view that saves nothing but counts, as one of a picture that was viewed before."""
        for _ in range(3):
            answer = self.visitors.view().answer
            if answer is None or answered(self.history, answer).observed.picture_views != 1:
                return

    def make_valid(self, left: float = 0.5) -> None:
        """A picture that stays valid for the part `left` of the TTL (0 to 1), if the app allows."""
        for _ in range(3):
            valid = self.look().status == "valid"
            if valid and self.fresh and self.fresh.lo + self.settings.ttl * (1 - left) > time.time():
                return
            if valid:
                self.wait_for_expiry()
            self.visit()

    def make_expired(self) -> None:
        """A picture that is too old, with its grace view unspent."""
        for _ in range(3):
            status = self.look().status
            if status == "expired":
                return
            if status == "valid":
                self.wait_for_expiry()
            else:
                self.visit()

    def make_spent(self) -> None:
        """A picture that is too old, with its grace view spent."""
        for _ in range(3):
            if self.look().status in {"grace", "stale"}:
                return
            self.make_expired()
            self.visit()

    def fail(self, way: Way) -> None:
        """A page view that calls for a new picture, while the image service answers in another way."""
        self.make_spent()
        self.serve(way)
        self.visit()
        self.serve(Way.PICTURE)

    def make_late(self) -> None:
        """A picture too late for the visitor who called for it, and viewed by nobody, if others allow."""
        for _ in range(3):
            self.fail(Way.SLOW)
            told = self.wait_for_picture()
            if told.status != "valid" or not told.picture_views:
                return

    def wait_for_expiry(self) -> None:
        """Until the present picture is certainly too old; with a look when it is about to be."""
        self.look_before_expiry()
        if self.fresh is not None:
            self.wait_until(self.fresh.hi + self.settings.ttl + MARGIN)

    def look_before_expiry(self) -> None:
        """Waits until the present picture is about to be too old, and looks whether it is valid still."""
        if self.fresh is not None:
            self.wait_until(self.fresh.lo + self.settings.ttl - max(LAST_LOOK, 0.02 * self.settings.ttl))
            self.look()

    def wait_until(self, moment: float) -> None:
        """Until a moment (epoch seconds, todoctl's clock)."""
        while (left := moment - time.time()) > 0:
            self.waiting(f"{int(left // 60)}:{left % 60:04.1f} to go")
            time.sleep(min(left, 0.1))

    def pause(self, seconds: float) -> None:
        """Lets some time go by."""
        self.wait_until(time.time() + seconds + MARGIN)

    def rest(self) -> None:
        """Until the app asks for nothing any more, so that nothing shows in the next scenario only."""
        deadline = time.monotonic() + SETTLE_SECONDS
        time.sleep(REST_SECONDS)
        while self.service and self.service.pending() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        self.look()
        self.look_at_log()
