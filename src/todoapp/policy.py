"""The cache policy: valid, then one grace view, then a new picture.

Pure functions of (state, now): no clock, no file, no network. The rule is that of the course
project ("Cache policy" in its README, step 1.12) and of `docs/contract.md`; the words are those
of HTTP caches: valid, grace, stale. Times are seconds since the epoch.
"""

from enum import StrEnum
from typing import NamedTuple

# In seconds: how long a visitor is made to wait for a new picture; the wait after the first failed fetch,
# which doubles with each one that fails after it, and its limit; the limit of what a `Retry-After` asks for.
PATIENCE = 3.0
MIN_BACKOFF = 0.25
MAX_BACKOFF = 60.0
MAX_RETRY_AFTER = 3600.0


class Status(StrEnum):
    """What the cache holds, as `/api/cache` names it."""

    EMPTY = "empty"
    VALID = "valid"
    EXPIRED = "expired"
    GRACE = "grace"
    STALE = "stale"


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
    """Returns the first moment at which the picture is no longer valid."""
    return None if state.downloaded_at is None else state.downloaded_at + ttl


def status(state: State, now: float, ttl: float) -> Status:
    """Returns what the cache holds at `now`, with pictures valid for `ttl` seconds."""
    expiry = expires_at(state, ttl)
    if state.picture is None or expiry is None:
        return Status.EMPTY
    if now < expiry:
        return Status.VALID
    if not state.grace_used:
        return Status.EXPIRED
    return Status.GRACE if state.fetch_error is None else Status.STALE


def view(state: State, now: float, ttl: float, *, late: bool, refreshing: bool) -> State | None:
    """Returns the state after a page view at `now`, or None where it is to wait for a new picture.

    A view is `late` when it has waited for `PATIENCE` seconds; `refreshing`: a fetch is under way already.
    """
    match status(state, now, ttl):
        case Status.VALID:
            return counted(state, now)
        case Status.EXPIRED:
            return counted(state._replace(grace_used=True), now)
    if not may_fetch(state, now):
        return counted(state, now)
    if late:
        slow = f"no answer within {PATIENCE:g} s, still waiting for it"
        return counted(state._replace(fetch_error=state.fetch_error or slow), now)
    if refreshing and state.fetch_error:  # nobody waits for what is known not to work
        return counted(state, now)
    return None


def counted(state: State, now: float) -> State:
    """Returns the state after a page view that shows what there is, whatever its age."""
    return state._replace(
        access_count=state.access_count + 1,
        image_access_count=state.image_access_count + 1 if state.picture else 0,
        last_access_at=now,
    )


def may_fetch(state: State, now: float) -> bool:
    """Whether the image service may be asked: it has not failed, or the wait after that is over."""
    return state.failed_at is None or now >= state.failed_at + state.retry_after


def must_fetch(state: State, now: float, ttl: float) -> bool:
    """Whether a new picture is due, and the image service may be asked for it."""
    return status(state, now, ttl) not in {Status.VALID, Status.EXPIRED} and may_fetch(state, now)


def fetched(state: State, picture: Picture, now: float) -> State:
    """Returns the state with a picture that was downloaded at `now` and that nobody has seen yet."""
    return State(
        picture=picture,
        downloaded_at=now,
        access_count=state.access_count,
        last_access_at=state.last_access_at,
    )


def failed(state: State, error: str, now: float, retry_after: float = 0.0) -> State:
    """Returns the state after a fetch that failed at `now`.

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


def clamped(state: State, now: float) -> State:
    """Returns the state with no time after `now` and no wait above its limit.

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
