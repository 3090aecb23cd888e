"""Where scenarios play: an app to visit, a volume that may be emptied, and a record of what was seen."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from todoctl.client import CacheState, Client, Page
from todoctl.errors import TodoctlError
from todoctl.settings import Settings
from todoctl.target import Target
from todoctl.verdict import Access, Check, ScenarioResult, Sighting

POLL_SECONDS = 0.1
SLACK_SECONDS = 10.0
"""How much later than the TTL says an expiry may be noticed, on a busy machine."""


class DisturbedError(TodoctlError):
    """Something from outside came between: no verdict on the app, so the scenario is tried again."""


class Stage:
    """One run's means: `deployed` is what the user has up, `settings` what plays now."""

    def __init__(
        self,
        target: Target,
        client: Client,
        deployed: Settings,
        *,
        ttl: float,
    ) -> None:
        self.target = target
        self.client = client
        self.deployed = deployed
        self.settings = replace(deployed, ttl=ttl)
        self.sightings: list[Sighting] = []
        self.result = ScenarioResult(name="", title="")
        self._waiting: Callable[[str], None] = lambda _: None

    # Acting

    def view(self) -> Access:
        """One page view; raises `DisturbedError` where others visited since the last look."""
        before = self.state()
        page = self.client.view()
        after = self.state()
        self._check_alone(before, page, after)
        image = self.client.image() if after.sha256 else None
        access = Access(
            at=page.last_access_at or 0.0,
            status=page.status,
            downloaded_at=page.downloaded_at,
            expires_at=page.expires_at,
            access_count=page.access_count,
            image_access_count=page.image_access_count,
            image=image,
        )
        self.result.accesses.append(access)
        told, shown = _told(after), _told(page)
        agree = all(_close(a, b) for a, b in zip(told, shown, strict=True))
        counted = page.access_count == before.access_count + 1
        self.check(
            "page view",
            expected=f"counted as {before.access_count + 1}, labels as in /api/cache",
            seen=f"{page.status}, counted as {page.access_count}, "
            + ("labels as in /api/cache" if agree else f"labels {_words(shown)} against {_words(told)}"),
            passed=counted and agree,
        )
        if after.last_error:
            raise TodoctlError("The app reports a problem", why=after.last_error)
        return access

    def _check_alone(self, before: CacheState, page: Page, after: CacheState) -> None:
        others = max(page.access_count - before.access_count - 1, 0)
        others += after.access_count - page.access_count
        if others > 0:
            raise DisturbedError(f"{others} other page view(s) came in between")

    def state(self) -> CacheState:
        """The cache's state, noted for the timeline."""
        state = self.client.state()
        if not self.sightings or self.sightings[-1].status != state.status:
            self.sightings.append(Sighting(at=time.time(), status=state.status))
        return state

    def restart_with(self, settings: Settings) -> None:
        """The app stopped and started anew, its volume kept."""
        self.target.stop()
        self.target.start(settings)
        self.settings = settings

    def empty(self) -> None:
        """An app that has never seen a page view, on an empty volume."""
        if not self.target.is_set_aside():
            self.target.stop()
            self.target.set_aside()
        elif self.state().access_count or self.state().sha256:
            self.target.stop()
            self.target.empty()
        else:
            return
        self.target.start(self.settings)

    # Arranging

    def make_valid(self, *, left: float = 0.0) -> None:
        """A picture that is valid for the part `left` of its TTL still (0 to 1)."""
        for _ in range(3):
            state = self.state()
            life = (state.expires_at or 0.0) - time.time()
            if state.status == "valid" and life > state.ttl * left:
                return
            if state.status == "valid":
                self.wait_for("expired")
            self.view()
        raise TodoctlError("No valid picture after three page views", why=self.state().status)

    def make_grace(self) -> None:
        """A picture whose grace view is spent."""
        if self.state().status != "grace":
            self.make_valid()
            self.wait_for("expired")
            self.view()

    def wait_for(self, status: str) -> CacheState:
        """Watches until the cache has `status`; raises `DisturbedError` on an access meanwhile."""
        began = self.state()
        expiry = began.expires_at or time.time()
        deadline = time.monotonic() + max(expiry - time.time(), 0) + SLACK_SECONDS
        while (state := self.state()).status != status:
            if state.access_count != began.access_count:
                raise DisturbedError("another page view came in between")
            if time.monotonic() > deadline:
                raise TodoctlError(
                    f"The cache did not become {status}",
                    why=f"it is {state.status} {SLACK_SECONDS:g} s after the picture's expiry",
                )
            self._count_down(expiry)
            time.sleep(POLL_SECONDS)
        return state

    def wait_until(self, moment: float) -> None:
        """Waits for a moment (epoch seconds) within the picture's life."""
        while time.time() < moment:
            self._count_down(moment)
            time.sleep(min(POLL_SECONDS, max(moment - time.time(), 0)))

    def _count_down(self, moment: float) -> None:
        left = max(moment - time.time(), 0)
        self._waiting(f"{int(left // 60)}:{left % 60:04.1f} to go")

    @contextmanager
    def playing(self, result: ScenarioResult, waiting: Callable[[str], None]) -> Iterator[None]:
        """Accesses and checks go to `result`; `waiting` is told what is being waited for."""
        self.result, self._waiting = result, waiting
        yield

    # Checking

    def check(self, name: str, *, expected: str, seen: str, passed: bool) -> None:
        self.result.checks.append(Check(name=name, expected=expected, seen=seen, passed=passed))

    def same(self, name: str, expected: object, seen: object) -> None:
        """A check that two things are equal."""
        self.check(name, expected=_words(expected), seen=_words(seen), passed=expected == seen)

    def same_moment(self, name: str, expected: float | None, seen: float | None) -> None:
        """A check that two times (epoch seconds) are equal, shown as times of this machine's zone."""
        self.check(name, expected=clock(expected), seen=clock(seen), passed=_close(expected, seen))


def clock(moment: float | None) -> str:
    """A time of day of this machine's zone, to the millisecond."""
    return "–" if moment is None else f"{datetime.fromtimestamp(moment).astimezone():%H:%M:%S.%f}"[:-3]


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_words(item) for item in value)
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _told(seen: CacheState | Page) -> tuple[float | None, ...]:
    return (
        seen.downloaded_at,
        seen.expires_at,
        seen.last_access_at,
        seen.access_count,
        seen.image_access_count,
    )


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= MILLISECOND


MILLISECOND = 0.0011
"""Seconds, and what is lost in turning them into text and back."""
