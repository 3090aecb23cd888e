"""Situations that a scenario begins with: a picture that is valid, too old, spent, late; files on the volume.

They are arranged by what the app says, which may be wrong: nothing here judges, and no app keeps it waiting
for ever.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from todoctl.evidence.history import Op
from todoctl.evidence.pages import Observation, or_none
from todoctl.evidence.times import now
from todoctl.image_service.service import ResponseMode
from todoctl.validation import contents
from todoctl.validation.driver import Driver
from todoctl.validation.model import FIRST_WAIT, LATENESS
from todoctl.validation.probes import UNCOUNTED

LONG_TTL = 600.5
"""Seconds: no picture expires meanwhile. With a fraction, so that it shows whether that counts."""

QUICK_TTL, SLOW_TTL = 0.8, 5.0
"""Seconds a picture is valid in a quick run; the latter where a start takes seconds."""

BRIEF_TTL = 0.1
"""Seconds, where an expiry is to come soon."""

VIEWS = 4
"""How many page views have to fit into the time that a picture is valid."""

POLL_SECONDS = 0.03
MARGIN = 0.01
"""Seconds after a moment by which it has surely come."""

LAST_LOOK = 0.04
"""Seconds before an expiry in which a picture is seen to be valid still."""

REST_SECONDS = 0.03
"""After a scenario, for what the app may do without being asked."""

SETTLE_SECONDS, HURRIED_SECONDS = 12.0, 1.0
"""How long to wait for what the app does by itself: above the model's `LATE`; less once a run has failed."""

UNSPENT = ("valid", "expired")
"""Statuses of a picture whose grace view is still to come."""


@dataclass
class Situations:
    """Arranges situations with `driver`; `waiting` is called with what is being waited for."""

    driver: Driver
    waiting: Callable[[str], None] = lambda _: None
    time_factor: int = 1
    """How many times longer it takes than on a quick machine until something has to be over."""
    hurried: bool = False
    """Whether a scenario has failed: what does not come soon is not waited for."""
    failed: float = 0.0
    """When the image service had failed, in epoch seconds."""

    @property
    def ttl(self) -> float:
        """Seconds, for the scenarios that wait for an expiry: enough for some page views before it."""
        ttl = SLOW_TTL if self.driver.target.traits.start_seconds > QUICK_TTL else QUICK_TTL
        while ttl < VIEWS * self.driver.page_seconds() and not self.hurried:
            ttl *= 2
        return ttl * self.time_factor

    @property
    def brief(self) -> float:
        """Seconds, for those that need an expiry and nothing before it; longer where many come slowly."""
        return BRIEF_TTL * self.time_factor**2

    def require(self, ttl: float | None = None) -> None:
        """The app of this run, with this TTL or any."""
        driver = self.driver
        if not driver.target.volume.is_set_aside() or driver.detached or driver.needs_restart:
            driver.start(ttl or driver.settings.ttl, emptied=True)
        elif ttl and driver.settings.ttl != ttl and not driver.full:
            driver.start(ttl)

    def _deadline(self) -> float:
        return time.monotonic() + (HURRIED_SECONDS if self.hurried else SETTLE_SECONDS)

    def wait_for_picture(self) -> Observation:
        """Waits for one that nobody viewed, as after a start on an empty volume; returns the last look."""
        deadline, pause = self._deadline(), POLL_SECONDS
        while (seen := self.driver.look()).status not in UNSPENT and time.monotonic() < deadline:
            self.waiting("waiting for the picture")
            time.sleep(pause)
            pause = min(pause * 1.2, 0.5)
        return seen

    def make_picture(self) -> None:
        """Some picture, whatever its age; an image service that has failed is asked again for a while."""
        deadline = self._deadline()
        while or_none(self.driver.look().picture) is None and time.monotonic() < deadline:
            self.pause(FIRST_WAIT)
            self.driver.visit()

    def make_valid(self) -> None:
        """A picture that stays valid for half of the TTL, if the app allows."""
        for _ in range(3):
            valid, fresh = self.driver.look().status == "valid", self.driver.fresh
            if valid and fresh and fresh.lo + self.driver.settings.ttl / 2 > now():
                return
            if valid:
                self.wait_for_expiry()
            self.driver.visit()

    def make_expired(self) -> None:
        """A picture that is too old, with its grace view unspent."""
        for _ in range(3):
            status = self.driver.look().status
            if status == "expired":
                return
            if status == "valid":
                self.wait_for_expiry()
            else:
                self.driver.visit()

    def make_spent(self) -> None:
        """A picture that is too old, with its grace view spent."""
        for _ in range(3):
            if self.driver.look().status in {"grace", "stale"}:
                return
            self.make_expired()
            self.driver.visit()

    def fail(self, mode: ResponseMode) -> None:
        """A page view that calls for a new picture, while the image service answers in another way."""
        self.make_spent()
        self.driver.serve(mode)
        self.driver.visit()
        self.failed = self.driver.viewed
        self.driver.serve(ResponseMode.PICTURE)

    def wait_after_failure(self, seconds: float) -> None:
        """Waits until so long after the page view that `fail` made."""
        self.wait_until(self.failed + seconds + MARGIN)

    def make_late(self) -> None:
        """A picture too late for the visitor who called for it, and viewed by nobody, if others allow."""
        for _ in range(1 if self.hurried else 3):
            self.fail(ResponseMode.SLOW)
            seen = self.wait_for_picture()
            if seen.status != "valid" or not seen.picture_views:
                return

    def ask_without_viewing(self) -> None:
        """All that is no page view, and a look at what came of it: whatever the picture's state, nothing."""
        picture = or_none(self.driver.look().picture)
        self.driver.picture()
        for name in UNCOUNTED:
            if picture or name != "HEAD /image":
                self.driver.probe(name)
        self.driver.look()

    def begin_together(self) -> None:
        """Two processes; the second begins while the first still waits for its first picture.

        A pod begins too late for that.
        """
        driver = self.driver
        if driver.service is None or driver.target.traits.rolling:
            self.require(self.brief)
            driver.scale(2)
            return
        driver.serve(ResponseMode.SLOW)
        driver.start(self.brief, emptied=True)
        driver.scale(2)
        driver.serve(ResponseMode.PICTURE)
        self.wait_for_picture()
        self.pause(FIRST_WAIT)  # the second one has seen it by then, and asks for none

    def take_over(self) -> None:
        """A start on what the original would have left: its two files, with its own keys alone."""
        self.driver.start(LONG_TTL, what=Op.TAKEOVER, make=contents.original)

    def damage(self, make: Callable[[contents.Files], contents.Files]) -> None:
        """A start on files that are not as documented."""
        self.driver.start(self.driver.settings.ttl, emptied=True, what=Op.DAMAGE, make=make)

    def wait_for_expiry(self) -> None:
        """Waits until the present picture is certainly too old; with a look when it is about to be."""
        self.look_before_expiry()
        if self.driver.fresh is not None:
            self.wait_until(self.driver.fresh.hi + self.driver.settings.ttl + MARGIN)

    def look_before_expiry(self) -> None:
        """Waits until the present picture is about to be too old, and looks whether it is valid still."""
        if self.driver.fresh is not None:
            ttl = self.driver.settings.ttl
            self.wait_until(self.driver.fresh.lo + ttl - max(LAST_LOOK, 0.02 * ttl))
            self.driver.look()

    def wait_until(self, moment: float) -> None:
        """Waits until a moment (epoch seconds, todoctl's clock)."""
        while (left := moment - now()) > 0:
            self.waiting(f"{int(left // 60)}:{left % 60:04.1f} to go")
            time.sleep(min(left, 0.1))

    def pause(self, seconds: float) -> None:
        """Lets some time go by."""
        self.wait_until(now() + seconds + MARGIN)

    def rest(self) -> None:
        """Waits until the app asks for nothing any more, so that nothing shows in the next scenario only."""
        deadline = self._deadline()
        time.sleep(REST_SECONDS)
        while self.driver.service and self.driver.service.pending() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        seen = self.driver.look()
        if or_none(seen.picture) and seen.picture_views == 0:  # others wait for it, who are counted by then
            self.pause(LATENESS)
            self.driver.look()
        self.driver.look_at_log()
