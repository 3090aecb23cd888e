"""The cache policy: valid, then one grace view, then a new picture.

Pure functions of (state, now): no clock, no file, no network. The rule is that of the course project
("Cache policy" in its README, step 1.12) and of `docs/contract.md`; the words are those of HTTP caches:
valid, grace, stale. Times are seconds since the epoch.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

MAX_RETRY_DELAY = 3600.0
"""Seconds: the longest that fetching may be held back, whatever a `Retry-After` asks for."""


class Status(StrEnum):
    """What the cache holds, as `/api/cache` names it."""

    EMPTY = "empty"
    VALID = "valid"
    EXPIRED = "expired"
    GRACE = "grace"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is known of a picture's bytes: SHA-256 in hex, media type, size in bytes."""

    sha256: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything the policy decides on, and everything that is saved.

    `image_access_count` belongs to `picture` and starts again with every new one. `fetch_error` is why
    the newest fetch has brought nothing (None after one that did), `failures` how many failed in a row,
    and before `retry_at` no further one is tried.
    """

    picture: Picture | None = None
    downloaded_at: float | None = None
    grace_used: bool = False
    access_count: int = 0
    image_access_count: int = 0
    last_access_at: float | None = None
    fetch_error: str | None = None
    failures: int = 0
    retry_at: float | None = None


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
            return counted(replace(state, grace_used=True), now)
        case _:
            return None


def counted(state: State, now: float) -> State:
    """The state after a page view that shows what there is, whatever its age."""
    return replace(
        state,
        access_count=state.access_count + 1,
        image_access_count=state.image_access_count + 1 if state.picture else 0,
        last_access_at=now,
    )


def may_fetch(state: State, now: float) -> bool:
    """Whether the image service may be asked: it has not failed, or the wait after that is over."""
    return state.retry_at is None or now >= state.retry_at


def fetched(state: State, picture: Picture, now: float) -> State:
    """The state with a picture that was downloaded at `now` and that nobody has seen yet."""
    return State(
        picture=picture,
        downloaded_at=now,
        access_count=state.access_count,
        last_access_at=state.last_access_at,
    )


def failed(state: State, error: str, now: float, retry_after: float) -> State:
    """The state after a fetch that failed at `now`; the next is tried `retry_after` seconds later."""
    return replace(
        state,
        fetch_error=error,
        failures=state.failures + 1,
        retry_at=now + min(retry_after, MAX_RETRY_DELAY),
    )


def settled(state: State, now: float) -> State:
    """The state with no time in the future: after the clock was set back nothing stays valid for ages."""

    def past(moment: float | None) -> float | None:
        return None if moment is None else min(moment, now)

    retry_at = state.retry_at
    return replace(
        state,
        downloaded_at=past(state.downloaded_at),
        last_access_at=past(state.last_access_at),
        retry_at=None if retry_at is None else min(retry_at, now + MAX_RETRY_DELAY),
    )
