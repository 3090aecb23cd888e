"""Whether a state fits what was told, and what is learned from that."""

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

from todoctl.evidence.pages import Observation
from todoctl.evidence.times import Span
from todoctl.validation.model.policy import UNKNOWN, State, statuses


class Mismatch(NamedTuple):
    """What was expected of one thing told, and what was told."""

    name: str
    expected: object
    seen: object


class _Moment(NamedTuple):
    """When something was told, and how long a picture is valid (seconds)."""

    at: Span
    ttl: float


def fit(state: State, at: Span, ttl: float, told: Observation) -> tuple[State, list[Mismatch]]:
    """The state with what is learned from `told` at an instant of `at`, and where the two do not fit."""
    wrong: list[Mismatch] = []
    known = told.known()
    for name, learn in LEARN.items():
        if name in known:
            learned = learn(state, name, known[name], _Moment(at, ttl))
            if isinstance(learned, Mismatch):
                wrong.append(learned)
            else:
                state = learned
    return state, wrong


def _count(state: State, name: str, told: int, _: _Moment) -> State | Mismatch:
    known = getattr(state, name)
    if known is None:
        return state._replace(**{name: told})  # type: ignore[arg-type]  # both are counts
    return state if known == told else Mismatch(name, known, told)


def _same(state: State, name: str, told: object, _: _Moment) -> State | Mismatch:
    known = getattr(state, name)
    return state if known == told else Mismatch(name, known, told)


def _picture(state: State, name: str, told: str | None, _: _Moment) -> State | Mismatch:
    if state.picture == UNKNOWN and told is not None:
        return state._replace(picture=told)
    return state if state.picture == told else Mismatch(name, state.picture, told)


def _downloaded(state: State, name: str, told: Span | None, _: _Moment) -> State | Mismatch:
    known = state.downloaded
    if known is not None and told is not None and known.meets(told):
        return state._replace(downloaded=known.common(told))
    return state if known is told else Mismatch(name, known, told)


def _expires(state: State, name: str, told: Span | None, moment: _Moment) -> State | Mismatch:
    learned = _downloaded(state, name, told and told.shifted(-moment.ttl), moment)
    if isinstance(learned, State):
        return learned
    return Mismatch(name, state.downloaded and state.downloaded.shifted(moment.ttl), told)


def _last_view(state: State, name: str, told: Span | None, _: _Moment) -> State | Mismatch:
    known = state.last_view
    if known is not None and told is not None and known.meets(told):
        return state._replace(last_view=known.common(told))
    if told is None and known is not None and known.lo == -inf:
        return state._replace(last_view=None)  # nothing was known, and there was none
    return state if known is told else Mismatch(name, known, told)


def _status(state: State, name: str, told: str, moment: _Moment) -> State | Mismatch:
    possible = statuses(state, moment.at, moment.ttl)
    return state if told in possible else Mismatch(name, " or ".join(sorted(possible)), told)


LEARN: dict[str, Callable[[State, str, Any, _Moment], State | Mismatch]] = {
    "downloaded": _downloaded,
    "expires": _expires,
    "last_view": _last_view,
    "views": _count,
    "picture_views": _count,
    "picture": _picture,
    "grace_spent": _same,
    "error": _same,
    "status": _status,
}
"""By what is told (`pages.Observation`), in this order: the times first, a status is a matter of them."""
