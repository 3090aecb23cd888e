"""The policy, checked against a model written from the issue's text, and its pieces one by one.

The machine drives a real `Cache` on a real volume; only the clock and the image service are its own,
so that it can set the one and break the other between any two page views.
"""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.image_service import png
from todoapp import policy
from todoapp.cache import Cache
from todoapp.policy import Picture, State, Status
from todoapp.source import FetchError
from todoapp.store import Store

TTL = 10.0


@dataclass
class Model:
    """For TTL the same picture; then once more; then a new one, if the image service has one."""

    picture: int = 0
    since: float = 0.0
    grace_used: bool = False
    views: int = 0
    views_of_picture: int = 0
    failures: int = 0
    failed_at: float = 0.0

    def start(self, now: float, *, works: bool) -> None:
        """A start at `now`: only without any picture is there something to fetch."""
        if not self.picture:
            self.fetch(now, works=works)

    def view(self, now: float, *, works: bool) -> str:
        """One page view at `now`; what its Status says."""
        self.since, self.failed_at = min(self.since, now), min(self.failed_at, now)
        status = "valid" if self.picture and now < self.since + TTL else "grace"
        due = not self.picture or (status == "grace" and self.grace_used)
        self.grace_used |= status == "grace"
        if due and self.fetch(now, works=works):
            status = "valid"
        self.views += 1
        self.views_of_picture += bool(self.picture)
        if not self.picture:
            return "empty"
        return "stale" if status == "grace" and self.failures else status

    def fetch(self, now: float, *, works: bool) -> bool:
        """A fetch at `now`, unless it is too early for one; whether it brought a picture."""
        wait = min(2 ** (self.failures - 1) / 4, 60) if self.failures else 0
        if now < min(self.failed_at, now) + wait:  # at a start not kept: only what is counted is saved
            return False
        if works:
            self.__init__(self.picture + 1, now, views=self.views)  # type: ignore[misc]
        else:
            self.failures, self.failed_at = self.failures + 1, now
        return works


class PolicyMachine(RuleBasedStateMachine):
    """Time, page views, failures and restarts in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.now = 1_000_000.0
        self.works = True
        self.fetched = 0
        self.directory = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.cache = self.new_cache()

    def new_cache(self) -> Cache:
        """A process's cache on the volume that all of them share."""
        return Cache(Store(Path(self.directory.name)), self.source, TTL, clock=lambda: self.now)

    async def source(self, shown: str | None) -> bytes:
        """The image service: never the same picture twice."""
        if not self.works:
            raise FetchError("does not work")
        self.fetched += 1
        return png(self.fetched)

    @rule(seconds=st.floats(0, 25) | st.floats(0, 200))
    def time_passes(self, seconds: float) -> None:
        """As it does."""
        self.now += seconds

    @rule(seconds=st.floats(0, 100_000))
    def clock_is_set_back(self, seconds: float) -> None:
        """As happens on machines that come up with a wrong clock."""
        self.now -= seconds

    @rule(works=st.booleans())
    def image_service_changes(self, works: bool) -> None:
        """It breaks, or it works again."""
        self.works = works

    @rule()
    def view(self) -> None:
        """A page view shows what the model says."""
        expected = self.model.view(self.now, works=self.works)
        seen = self.runner.run(self.cache.view())
        assert policy.status(seen.state, seen.at, TTL) == expected

    @rule()
    def restart(self) -> None:
        """Another process takes over."""
        self.runner.run(self.cache.close())
        self.cache = self.new_cache()
        self.model.start(self.now, works=self.works)
        self.runner.run(self.start())

    async def start(self) -> None:
        """The cache's start, and the fetch that it may have begun."""
        await self.cache.start()
        if self.cache._refreshing:
            await self.cache._refreshing

    @rule()
    def look(self) -> None:
        """To look is no page view."""
        self.runner.run(self.cache.look())

    @invariant()
    def counts_and_picture_agree(self) -> None:
        """What is shown, and how often, is what the model says."""
        state = self.cache.held.state
        assert state.access_count == self.model.views
        assert state.image_access_count == self.model.views_of_picture
        assert self.fetched == self.model.picture
        assert self.cache.held.content == (png(self.fetched) if self.fetched else None)

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.runner.run(self.cache.close())
        self.runner.close()
        self.directory.cleanup()


TestPolicyMachine = PolicyMachine.TestCase
TestPolicyMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)

PICTURES = st.sampled_from([None, *(Picture(sha256=n, content_type="i", size=1) for n in "abc")])
TIMES = st.none() | st.integers(0, 1000).map(float)
STATES = st.builds(
    State,
    picture=PICTURES,
    downloaded_at=TIMES,
    grace_used=st.booleans(),
    access_count=st.integers(0, 99),
    image_access_count=st.integers(0, 99),
    last_access_at=TIMES,
    fetch_error=st.none() | st.just("no"),
    failures=st.integers(0, 9),
    failed_at=TIMES,
    retry_after=st.integers(0, 60).map(float),
)


@pytest.mark.parametrize(
    ("state", "now", "expected"),
    [
        (State(), 5.0, Status.EMPTY),
        (State(downloaded_at=0.0), 5.0, Status.EMPTY),
        (State(picture=Picture(sha256="", content_type="", size=0)), 5.0, Status.EMPTY),
    ],
)
def test_nothing_to_show_is_empty(state: State, now: float, expected: Status) -> None:
    assert policy.status(state, now, TTL) is expected


def test_statuses_change_at_the_expiry_to_the_moment() -> None:
    state = State(picture=Picture(sha256="a", content_type="i", size=1), downloaded_at=100.0)
    assert policy.expires_at(state, TTL) == 110.0
    assert policy.status(state, 109.999, TTL) is Status.VALID
    assert policy.status(state, 110.0, TTL) is Status.EXPIRED
    spent = state._replace(grace_used=True)
    assert policy.status(spent, 110.0, TTL) is Status.GRACE
    assert policy.status(spent._replace(fetch_error="no"), 110.0, TTL) is Status.STALE
    assert policy.view(spent, 110.0, TTL, late=False, refreshing=False) is None


def test_waits_after_failures_double_up_to_a_minute_and_heed_the_service() -> None:
    state, waits = State(), []
    for _ in range(10):
        state = policy.failed(state, "no", 100.0)
        waits.append(state.retry_after)
    assert waits == [0.25, 0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert not policy.may_fetch(state, 159.9)
    assert policy.may_fetch(state, 160.0)
    assert policy.failed(State(), "no", 100.0, 0.1).retry_after == policy.MIN_BACKOFF
    assert policy.failed(State(), "no", 100.0, 120.0).retry_after == 120.0
    assert policy.failed(State(), "no", 100.0, 1e9).retry_after == policy.MAX_RETRY_AFTER
    assert policy.failed(state._replace(failures=10**6), "no", 0.0).retry_after == 60


def test_a_late_fetch_is_an_error_only_as_long_as_there_is_no_better_one() -> None:
    for error, shown in ((None, "no answer within 3 s, still waiting for it"), ("404", "404")):
        late = policy.view(State(fetch_error=error), 5.0, TTL, late=True, refreshing=True)
        assert late
        assert (late.fetch_error, late.access_count) == (shown, 1)


@given(STATES, st.integers(0, 1000).map(float))
def test_clamped_knows_no_future_and_changes_nothing_else(state: State, now: float) -> None:
    clamped = policy.clamped(state, now)
    times = ("downloaded_at", "last_access_at", "failed_at")
    assert all((getattr(clamped, name) or 0.0) <= now for name in times)
    assert clamped.retry_after <= policy.MAX_RETRY_AFTER
    changed = (*times, "retry_after")
    assert clamped._replace(**{name: getattr(state, name) for name in changed}) == state
    assert policy.clamped(clamped, now) == clamped
