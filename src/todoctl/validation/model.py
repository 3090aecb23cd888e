"""The documented policy, written a second time: which states are possible after what was done.

Small and pure, and shares nothing with the app. A step takes one possible state and gives all that may come
of it, given that it took effect at some instant of a span; the judge keeps those that fit what was seen. All
times are by the app's clock, in epoch seconds.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from math import inf
from typing import NamedTuple

from todoctl.evidence.pages import Observation, or_none
from todoctl.evidence.times import EVER, Span

PATIENCE = 3.0
"""Seconds that a visitor is made to wait for a new picture (docs/contract.md)."""

IMPATIENCE, LATENESS = 0.1, 0.6
"""Seconds by which that may be shorter, or longer on a busy machine."""

LATE = 10.0
"""Seconds within which a picture that has come, or a download at a start, has taken effect."""

FIRST_WAIT, MOST_WAIT = 0.25, 60.0
"""Seconds between a failed fetch and the next one: they double (docs/contract.md)."""

ASKED_WAIT = 3600.0
"""Seconds: the longest wait that an image service can ask for (its `Retry-After`, docs/contract.md)."""

UNKNOWN = "unknown"
"""A picture that is there, but was not seen yet."""


class Kind(StrEnum):
    """What a page view does."""

    VALID = "valid"
    GRACE = "grace"
    RENEW = "renew"
    KEPT = "kept"


class Fetch(NamedTuple):
    """A request that the image service got, and the SHA-256 of the picture that it sent, empty for none.

    `took` is how many seconds it took at least, `asked` how many it asked to be left alone for.
    """

    span: Span
    picture: str
    took: float = 0.0
    asked: float = 0.0


class State(NamedTuple):
    """One possible state of the cache. None is "not known", but for picture, download and failure: "none".

    `failed` is when the newest fetch failed, if none has succeeded since, `failures` how many did in a row,
    `asked` how many seconds the image service asked to be left alone for then; `error` says that the app
    knows of one that failed or is late. `pending` is a fetch (its number) that no visitor waits for, or,
    where `waited`, one of others who will be counted when it ends; `owed` is one that has ended, but they
    are not counted yet. `starting` says that the app began with no picture and is to fetch one by itself.
    `explained` is the number of fetches whose cause is known.
    """

    picture: str | None
    downloaded: Span | None
    grace_spent: bool
    views: int | None
    picture_views: int | None
    last_view: Span | None
    error: bool = False
    failed: Span | None = None
    failures: int = 0
    asked: float = 0.0
    pending: int | None = None
    waited: bool = False
    starting: bool = False
    explained: int = 0
    owed: Fetch | None = None


class Step(NamedTuple):
    """What a page view may have been, the state after it, and the number of the fetch that it caused.

    A page that waited for its picture may be of the instant at which that `came`.
    """

    kind: Kind
    state: State
    fetch: int | None = None
    came: float = inf


EMPTY = State(None, None, grace_spent=False, views=0, picture_views=0, last_view=None)
"""An empty volume."""


def anything(explained: int = 0) -> list[State]:
    """Every state that an app may be in of which nothing is known."""
    found = []
    for error in (False, True):
        failed = EVER if error else None
        nothing = State(None, None, False, None, None, EVER, error, failed, explained=explained)
        found.append(nothing)
        some = nothing._replace(picture=UNKNOWN, downloaded=EVER)
        found += [some, some._replace(grace_spent=True)]
    return found


def statuses(state: State, at: Span, ttl: float) -> set[str]:
    """What `/api/cache` may call the state at some instant of `at`."""
    if state.picture is None or state.downloaded is None:
        return {"empty"}
    found = set()
    expiry = state.downloaded.shifted(ttl)
    if at.lo < expiry.hi or at.meets(expiry):
        found.add("valid")
    if at.hi >= expiry.lo or at.meets(expiry):
        found.add(("stale" if state.error else "grace") if state.grace_spent else "expired")
    return found


def start(state: State, *, emptied: bool) -> State:
    """The state after a start: as before it, but for a fetch that was under way."""
    kept = EMPTY._replace(explained=state.explained) if emptied else state
    return kept._replace(pending=None, waited=False, owed=None, starting=kept.picture is None)


def found(state: State, observed: Observation, picture: str | None, written: Span) -> State:
    """What a start makes of the files on the volume: what `observed` does not have is as at first.

    `picture` is the SHA-256 of the picture there, None where that is not whole; it was `written` then.
    """
    lasting = EMPTY._replace(
        explained=state.explained, views=observed.views or 0, last_view=or_none(observed.last_view)
    )
    if picture is None:
        return lasting._replace(starting=True)
    return lasting._replace(
        picture=picture,
        downloaded=or_none(observed.downloaded) or written,
        grace_spent=bool(observed.grace_spent),
        picture_views=observed.picture_views or 0,
    )


def settle(state: State, at: Span, fetches: Sequence[Fetch] | None) -> Iterator[State]:
    """What may have come of the state by itself by some instant of `at`: a start's fetch, or a late picture.

    Where the image service is not todoctl's own (`fetches` is None), what it sent is not known.
    """
    if state.pending is not None and fetches is not None:
        fetch = fetches[state.pending]
        is_soon = at.lo <= fetch.span.hi + (LATENESS if state.waited else LATE)
        if fetch.span.lo <= at.hi:
            ended = Span(fetch.span.lo, at.hi)
            after = _taken(state, state.pending, fetch, ended)
            yield _counted(after, ended) if state.waited else after
            if state.waited and is_soon:
                yield after._replace(owed=fetch)
        if is_soon:
            yield state
    elif state.owed is not None:
        yield from _noticed(state, state.owed, at, fetches)
    elif state.starting and fetches is None:
        yield state
        unknown = State(UNKNOWN, Span(-inf, at.hi), False, state.views, 0, state.last_view)
        yield unknown._replace(explained=state.explained)
        yield state._replace(error=True, failed=EVER, failures=1, starting=False)
    elif state.starting and _has_begun(state, at.hi, fetches):
        number = state.explained
        under_way = state._replace(starting=False, pending=number, explained=number + 1)
        yield from settle(under_way, at, fetches)
        if at.lo <= fetches[number].span.hi:  # type: ignore[index]  # what has begun is one of them
            yield state
    else:
        yield state


def _noticed(state: State, owed: Fetch, at: Span, fetches: Sequence[Fetch] | None) -> Iterator[State]:
    """What becomes of a state in which others, who have waited for a fetch, are about to be counted."""
    yield _counted(state._replace(owed=None), Span(owed.span.lo, at.hi))
    if at.lo <= owed.span.hi + LATENESS:
        yield state
    elif fetches and fetches[state.explained - 1] == owed:  # nobody has waited: nothing called for it
        yield state._replace(owed=None, explained=state.explained - 1)


def called(state: State, at: Span, ttl: float, fetches: Sequence[Fetch] | None) -> Iterator[State]:
    """What may have come of a page view of others at an instant of `at` that is about to be counted."""
    for step in view(state, at, at, ttl, fetches):
        renewed = step.kind is Kind.RENEW
        if renewed or step.state.failures > state.failures:
            yield step.state._replace(
                views=state.views,
                picture_views=0 if renewed else state.picture_views,
                last_view=state.last_view,
                owed=Fetch(at, "") if fetches is None else fetches[step.state.explained - 1],
            )


def view(state: State, at: Span, window: Span, ttl: float, fetches: Sequence[Fetch] | None) -> Iterator[Step]:
    """All that a page view may be that came and was answered within `window`, and was counted at `at`."""
    if state.picture is not None and state.downloaded is not None:
        expiry = state.downloaded.shifted(ttl)
        if at.lo < expiry.hi or at.meets(expiry):
            still = state.downloaded._replace(
                lo=max(state.downloaded.lo, min(at.lo - ttl, state.downloaded.hi))
            )
            yield Step(Kind.VALID, _counted(state._replace(downloaded=still), at))
        if at.hi < expiry.lo and not at.meets(expiry):
            return
        state = state._replace(
            downloaded=state.downloaded._replace(
                hi=min(state.downloaded.hi, max(at.hi - ttl, state.downloaded.lo))
            )
        )
        if not state.grace_spent:
            yield Step(Kind.GRACE, _counted(state._replace(grace_spent=True), at))
            return
    yield from _due(state, at, window, ttl, fetches)


def _due(state: State, at: Span, window: Span, ttl: float, fetches: Sequence[Fetch] | None) -> Iterator[Step]:
    """A new picture is due: what a page view may be then."""
    if fetches is None:
        new = state._replace(
            picture=UNKNOWN, downloaded=Span(window.lo, at.hi), grace_spent=False, picture_views=0
        )
        yield Step(Kind.RENEW, _counted(_well(new), at))
        failed = state._replace(error=True, failed=Span(window.lo, window.hi), failures=state.failures + 1)
        yield Step(Kind.KEPT, _counted(failed, at))
        return
    if _is_waiting(state, at):
        yield Step(Kind.KEPT, _counted(state, at))
    number = state.pending
    if number is None and _has_begun(state, window.hi, fetches):
        number = state.explained if fetches[state.explained].span.hi >= window.lo else None
    if number is None:
        return
    fetch = fetches[number]
    if state.pending is None and window.hi < _may_ask_at(state):
        return
    known = state._replace(explained=max(state.explained, number + 1), starting=False)
    in_time = (state.pending is not None or fetch.took <= PATIENCE + LATENESS) and not state.waited
    if fetch.span.lo <= at.hi and in_time:
        after = _taken(known, number, fetch, Span(fetch.span.lo, at.hi))
        kind = Kind.RENEW if fetch.picture else Kind.KEPT
        yield Step(kind, _counted(after, at), number, fetch.span.lo if fetch.picture else inf)
        if fetch.picture and at.hi >= fetch.span.lo + ttl:  # it is too old by then, and all is decided anew
            came = Span(fetch.span.lo, max(fetch.span.lo, at.hi - ttl))
            yield Step(Kind.GRACE, _counted(after._replace(grace_spent=True, downloaded=came), at), number)
    waited = window.hi - window.lo >= PATIENCE - IMPATIENCE
    if fetch.span.hi >= at.lo and (waited or (state.pending is not None and state.error)):
        yield Step(Kind.KEPT, _counted(known._replace(pending=number, error=True), at), number)
    if fetch.span.hi >= at.lo and state.pending is None and state.error:  # who came before us waits for it
        yield Step(Kind.KEPT, _counted(known._replace(pending=number, waited=True), at), number)


def longest_wait(state: State) -> float:
    """Seconds after the last failure within which the app need not ask again."""
    if state.failed == EVER or not state.failures:
        return ASKED_WAIT
    doubled = min(FIRST_WAIT * 2.0 ** min(state.failures - 1, 10), MOST_WAIT)
    return max(doubled, min(state.asked, ASKED_WAIT))


def _may_ask_at(state: State) -> float:
    """The first instant at which the app may ask again after a failure."""
    known = state.failed is not None and state.failed != EVER and state.failures
    return state.failed.lo + longest_wait(state) if known and state.failed else -inf


def _is_waiting(state: State, at: Span) -> bool:
    return state.failed is not None and at.lo <= state.failed.hi + longest_wait(state)


def _has_begun(state: State, by: float, fetches: Sequence[Fetch] | None) -> bool:
    """Whether the next fetch whose cause is not known yet has begun by then."""
    return fetches is not None and state.explained < len(fetches) and fetches[state.explained].span.lo <= by


def _taken(state: State, number: int, fetch: Fetch, at: Span) -> State:
    """The state after fetch `number` has ended."""
    done = state._replace(
        pending=None, waited=False, starting=False, explained=max(state.explained, number + 1)
    )
    if not fetch.picture:
        return done._replace(error=True, failed=at, failures=state.failures + 1, asked=fetch.asked)
    return _well(done._replace(picture=fetch.picture, downloaded=at, grace_spent=False, picture_views=0))


def _well(state: State) -> State:
    return state._replace(
        error=False, failed=None, failures=0, asked=0.0, pending=None, waited=False, starting=False
    )


def _counted(state: State, at: Span) -> State:
    views = None if state.views is None else state.views + 1
    shown = None if state.picture_views is None else state.picture_views + 1
    return state._replace(views=views, picture_views=0 if state.picture is None else shown, last_view=at)
