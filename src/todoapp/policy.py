"""The cache policy: valid, then one grace view, then a new picture.

Pure functions of (state, now): no clock, no file, no network. The rule is that of the course
project ("Cache policy" in its README, step 1.12) and of `docs/contract.md`; the words are those
of HTTP caches: valid, grace, stale. Times are seconds since the epoch.
"""

from enum import Enum, StrEnum, auto
from typing import NamedTuple

PATIENCE = 3.0
"""Seconds that a visitor is made to wait for a new picture."""

MIN_BACKOFF = 0.25
"""Seconds: the wait after the first failed fetch. It doubles with each one that fails after it."""

MAX_BACKOFF = 60.0
"""Seconds: the longest wait after a failed fetch that the image service did not ask for."""

MAX_RETRY_AFTER = 3600.0
"""Seconds: the longest wait that the image service can ask for (its `Retry-After`)."""


class Status(StrEnum):
    """What the cache holds, as `/api/cache` names it."""

    EMPTY = "empty"
    VALID = "valid"
    EXPIRED = "expired"
    GRACE = "grace"
    STALE = "stale"


class Patience(Enum):
    """How a page view meets the need for a new picture."""

    FRESH = auto()  # it waits for a fetch, but not while fetching is known not to work
    WAITING = auto()  # it waits already
    SPENT = auto()  # it takes what there is


class Picture(NamedTuple):
    """What is known of a picture's bytes: SHA-256 in hex, media type, size in bytes."""

    sha256: str
    content_type: str
    size: int

    def __str__(self) -> str:
        return f"SHA-256 {self.sha256}, {self.content_type}, {self.size} bytes"


class State(NamedTuple):
    """Everything the policy decides on, and everything that is saved.

    `image_access_count` belongs to `picture` and starts again with every new one. `fetch_error`
    is why the newest fetch has brought nothing (None after one that did), `failures` how many
    failed in a row, the last one at `failed_at`; `retry_after` seconds must pass after that
    before another one is tried.
    """

    picture: Picture | None = None
    downloaded_at: float | None = None
    grace_used: bool = False
    access_count: int = 0
    image_access_count: int = 0
    last_access_at: float | None = None
    fetch_error: str | None = None
    failures: int = 0
    failed_at: float | None = None
    retry_after: float = 0.0


def expires_at(state: State, ttl: float) -> float | None:
    """The first moment at which the picture is no longer valid."""
    return None if state.downloaded_at is None else state.downloaded_at + ttl


def status(state: State, now: float, ttl: float) -> Status:
    """What the cache holds at `now`, with pictures valid for `ttl` seconds."""
    expiry = expires_at(state, ttl)
    if state.picture is None or expiry is None:
        return Status.EMPTY
    if now < expiry:
        return Status.VALID
    if not state.grace_used:
        return Status.EXPIRED
    return Status.GRACE if state.fetch_error is None else Status.STALE


def view(state: State, now: float, ttl: float) -> State | None:
    """The state after a page view at `now`, or None where a new picture is to be fetched first."""
    match status(state, now, ttl):
        case Status.VALID:
            return counted(state, now)
        case Status.EXPIRED:
            return counted(state._replace(grace_used=True), now)
        case _:
            return None


def overdue(state: State, now: float, patience: Patience, *, refreshing: bool) -> State | None:
    """The state after a view that should show a new picture, or None where it is to wait for that.

    `refreshing`: a fetch is under way already.
    """
    if not may_fetch(state, now):
        return counted(state, now)
    if patience is Patience.SPENT:
        late = delayed(state, f"no answer within {PATIENCE:g} s, still waiting for it")
        return counted(late, now)
    if patience is Patience.FRESH and refreshing and state.fetch_error:
        return counted(state, now)
    return None


def counted(state: State, now: float) -> State:
    """The state after a page view that shows what there is, whatever its age."""
    return state._replace(
        access_count=state.access_count + 1,
        image_access_count=state.image_access_count + 1 if state.picture else 0,
        last_access_at=now,
    )


def may_fetch(state: State, now: float) -> bool:
    """Whether the image service may be asked: it has not failed, or the wait after that is over."""
    return state.failed_at is None or now >= state.failed_at + state.retry_after


def prefetches(state: State, now: float) -> bool:
    """Whether a picture is to be fetched before anyone asks for it: only where there is none at all."""
    return state.picture is None and may_fetch(state, now)


def fetched(state: State, picture: Picture, now: float) -> State:
    """The state with a picture that was downloaded at `now` and that nobody has seen yet."""
    return State(
        picture=picture,
        downloaded_at=now,
        access_count=state.access_count,
        last_access_at=state.last_access_at,
    )


def failed(state: State, error: str, now: float, retry_after: float = 0.0) -> State:
    """The state after a fetch that failed at `now`.

    The waits double from `MIN_BACKOFF` to `MAX_BACKOFF`; `retry_after` is what the image service
    asked for.
    """
    backoff = min(MIN_BACKOFF * 2.0 ** min(state.failures, 10), MAX_BACKOFF)
    return state._replace(
        fetch_error=error,
        failures=state.failures + 1,
        failed_at=now,
        retry_after=max(backoff, min(retry_after, MAX_RETRY_AFTER)),
    )


def delayed(state: State, error: str) -> State:
    """The state while a fetch takes longer than a visitor is made to wait for it."""
    return state if state.fetch_error else state._replace(fetch_error=error)


def settled(state: State, now: float) -> State:
    """The state with no time after `now` and no wait above its limit.

    So neither a clock that was set back nor a value from elsewhere makes a TTL or a wait last longer.
    """

    def past(moment: float | None) -> float | None:
        return None if moment is None else min(moment, now)

    return state._replace(
        downloaded_at=past(state.downloaded_at),
        last_access_at=past(state.last_access_at),
        failed_at=past(state.failed_at),
        retry_after=min(state.retry_after, MAX_RETRY_AFTER),
    )


def merged(base: State, ours: State, theirs: State) -> State:
    """What two that both went on from `base` make together: a three-way merge.

    Needed where one of them could not save for a while: its page views count too, and of two
    pictures the newer one stays.
    """
    if ours == base:
        return theirs
    if theirs == base:
        return ours
    count = theirs.access_count + ours.access_count - base.access_count
    moments = [at for at in (ours.last_access_at, theirs.last_access_at) if at is not None]
    newer = ours if (ours.downloaded_at or 0.0) > (theirs.downloaded_at or 0.0) else theirs
    if ours.picture == theirs.picture and ours.downloaded_at == theirs.downloaded_at:
        views = theirs.image_access_count + ours.image_access_count - base.image_access_count
        newer = (theirs if ours.fetch_error == base.fetch_error else ours)._replace(
            image_access_count=views,
            grace_used=ours.grace_used or theirs.grace_used,
        )
    return newer._replace(access_count=count, last_access_at=max(moments, default=None))


def kept(known: State, found: State) -> State:
    """What is found on the volume, unless it lost there what was `known` of it before.

    Counts never go down and a picture never goes away by themselves: then the files were lost or
    damaged while the app ran, and what is known is to be saved again.
    """
    if found.access_count >= known.access_count and (found.picture or not known.picture):
        return found
    return known._replace(access_count=max(known.access_count, found.access_count))
