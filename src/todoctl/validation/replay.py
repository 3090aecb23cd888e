"""The set of states that are possible, given everything seen so far, and how an observation fits them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from typing import Any, NamedTuple

from todoctl.evidence.pages import Observation
from todoctl.evidence.times import Span
from todoctl.validation import model
from todoctl.validation.model import IMPATIENCE, PATIENCE, UNKNOWN, Fetch, Kind, State, Step, statuses


class Mismatch(NamedTuple):
    """What was expected of one thing observed, and what was observed."""

    name: str
    expected: object
    seen: object


class _Moment(NamedTuple):
    """When something was observed, and how long a picture is valid (seconds)."""

    at: Span
    ttl: float


def fit(state: State, at: Span, ttl: float, observed: Observation) -> tuple[State, list[Mismatch]]:
    """The state with what is learned from `observed` at an instant of `at`, and where the two do not fit."""
    wrong: list[Mismatch] = []
    known = observed.known()
    for name, learn in LEARN.items():
        if name in known:
            learned = learn(state, name, known[name], _Moment(at, ttl))
            if isinstance(learned, Mismatch):
                wrong.append(learned)
            else:
                state = learned
    return state, wrong


def _same(state: State, name: str, observed: Any, _: _Moment) -> State | Mismatch:  # noqa: ANN401 - as in the state
    known = getattr(state, name)
    if known is None and name in {"views", "picture_views"}:  # it was not known
        return state._replace(**{name: observed})
    return state if known == observed else Mismatch(name, known, observed)


def _picture(state: State, name: str, observed: str | None, moment: _Moment) -> State | Mismatch:
    if state.picture == UNKNOWN and observed is not None:
        return state._replace(picture=observed)
    return _same(state, name, observed, moment)


def _time(state: State, name: str, observed: Span | None, _: _Moment) -> State | Mismatch:
    known = getattr(state, name)
    if known is not None and observed is not None and known.meets(observed):
        return state._replace(**{name: known.common(observed)})
    if name == "last_view" and observed is None and known is not None and known.lo == -inf:
        return state._replace(last_view=None)  # nothing was known, and there was none
    return state if known is observed else Mismatch(name, known, observed)


def _expires(state: State, name: str, observed: Span | None, moment: _Moment) -> State | Mismatch:
    learned = _time(state, "downloaded", observed and observed.shifted(-moment.ttl), moment)
    if isinstance(learned, State):
        return learned
    return Mismatch(name, state.downloaded and state.downloaded.shifted(moment.ttl), observed)


def _status(state: State, name: str, observed: str, moment: _Moment) -> State | Mismatch:
    possible = statuses(state, moment.at, moment.ttl)
    return state if observed in possible else Mismatch(name, " or ".join(sorted(possible)), observed)


LEARN: dict[str, Callable[[State, str, Any, _Moment], State | Mismatch]] = {
    **dict.fromkeys(("downloaded", "last_view"), _time),
    "expires": _expires,
    **dict.fromkeys(("views", "picture_views", "grace_spent", "error"), _same),
    "picture": _picture,
    "status": _status,
}
"""By what is observed, in this order: the times first, a status is a matter of them."""


MOST_STRANGERS = 500
"""Page views of others that are gone through one by one; after more of them, anything is possible."""

MAX_STATES = 200
"""What is gone through at most; with more of them, anything is possible. A whole run has some tens."""

MOST_UNSEEN = 3
"""Page views of others that may have come before a look that has no counts."""


class Seen(NamedTuple):
    """What is known of an observation: the `kinds` that a page view may have been, the fetch it caused.

    `mismatches` are those with the state that fits best, empty where one fits. `strangers` is how many page
    views of others came before it. What is on the volume may be `behind` what was shown.
    """

    mismatches: list[Mismatch]
    kinds: set[Kind]
    strangers: int = 0
    fetch: int | None = None
    behind: bool = False


class StateSet:
    """All states that the app may be in. `fetches` is None where the image service is not todoctl's own."""

    def __init__(self, ttl: float) -> None:
        self.ttl = ttl
        self.fetches: Sequence[Fetch] | None = None
        # An app that was brought up just now may still be fetching its first picture.
        self.states: set[State] = {*model.anything(), model.EMPTY._replace(views=None, starting=True)}
        self._saved: set[State] = set()
        """Those of the last answer that had to wait until it was saved."""
        self._last_look = -inf
        self._errors: set[bool] = set()
        """Whether an error was known when the app was lost sight of; empty where its counts are known."""
        self._ttls = {ttl}
        """Those in force since the last look: others may have come before a start, or after it."""

    def start(
        self, ttl: float, fetches: Sequence[Fetch] | None, at: Span, *, emptied: bool, at_once: bool = False
    ) -> None:
        """The app was started, having stopped at `at`: with an empty volume, or with what it had.

        Where it had no notice (`at_once`), it has not finished what it was doing.
        """
        self._saved = set()
        if at_once:
            self.states |= self._cut_short(Span(self._last_look, at.hi))
        self.ttl, self.fetches = ttl, fetches
        self._ttls.add(ttl)
        if emptied:  # nobody will know who viewed the page before
            self._errors = set()
            self._forgive(sum(fetch.span.lo < at.lo for fetch in fetches or ()))
        self.states = {model.start(state, emptied=emptied) for state in self.states}

    def _cut_short(self, at: Span) -> set[State]:
        """The states after a page view of others that ended with the app, and its fetch with it."""
        steps = [(state, step) for state in self.states for step in self._steps(state, at, {self.ttl})]
        return {
            state._replace(explained=step.state.explained) for state, step in steps if step.fetch is not None
        }

    def find(self, observed: Observation, picture: str | None, written: Span) -> None:
        """The app was started on these files, of which the picture was `written` then."""
        self.states = {model.found(state, observed, picture, written) for state in self.states}

    def lose_sight(self, since: float, at: Span) -> None:
        """It was not seen from `since` until `at` what the app did: anything is possible.

        But for an error: what it fetched meanwhile, if that is known, has left one or none.
        """
        self._saved = set()
        self._errors = {state.error for state in self.states}
        for fetch in self.fetches or ():
            if since <= fetch.span.hi and fetch.span.lo <= at.hi:
                self._errors.add(not fetch.picture)
                self._errors.add(fetch.took > PATIENCE - IMPATIENCE)
        if self.fetches is None:
            self._errors = {False, True}
        self._see_again(at)

    def _see_again(self, at: Span) -> None:
        """What others may have made the app do until `at` is not known, for the counts are not."""
        if self._errors:
            self.states = {state for state in self._anything(at) if state.error in self._errors}

    def _anything(self, at: Span) -> set[State]:
        first, last = (sum(fetch.span.lo <= moment for fetch in self.fetches or ()) for moment in at)
        return {state for begun in range(first, last + 1) for state in model.anything(begun)}

    def clock_was_set(self, fetches: Sequence[Fetch] | None) -> None:
        """Goes on by another clock, which `fetches` go by: what is over needs no cause any more."""
        self._last_look = -inf
        self.fetches = fetches
        self._forgive(sum(fetch.span.hi == -inf for fetch in fetches or ()))

    def _forgive(self, number: int) -> None:
        """The first `number` fetches need no cause any more."""
        self.states = {state._replace(explained=max(state.explained, number)) for state in self.states}

    def settle(self, at: Span) -> None:
        """Time passes until some instant of `at`."""
        self.states = self._settled(self.states, at)

    def unexplained(self, at: Span) -> int | None:
        """The number of a fetch that ended before `at` and that nothing called for; the next call goes on."""
        if self.fetches is None:
            return None
        fetches = self.fetches
        explained = {state for state in self.states if not _has_ended(fetches, state.explained, at)}
        if explained or not self.states:
            self.states = explained
            return None
        number = min(state.explained for state in self.states)
        self._forgive(number + 1)
        return number

    def view(self, at: Span, window: Span, observed: Observation) -> Seen:
        """A page view, counted at an instant of `at`, that came and was answered within `window`."""
        self._see_again(Span(window.lo, window.lo))
        self.settle(at)
        strangers = self._strangers(at, observed, own=1)
        fits = [
            (step, *fit(step.state, at._replace(lo=min(at.lo, step.came)), self.ttl, observed))
            for state in self.states
            for step in model.view(state, at, window, self.ttl, self.fetches)
        ]
        good = [(step, state) for step, state, wrong in fits if not wrong]
        if good:
            self.states = self._saved = {state for _, state in good}
            kinds, fetches = {step.kind for step, _ in good}, {step.fetch for step, _ in good}
            return Seen([], kinds, strangers, fetches.pop() if len(fetches) == 1 else None)
        self.forget(at, observed)
        if not fits:
            missing = Mismatch("download", "a request for a new picture", "none")
            return Seen([missing], {Kind.RENEW}, strangers)
        step, _, wrong = min(fits, key=lambda found: _distance(found[2]))
        return Seen(wrong, {step.kind}, strangers, step.fetch)

    def unanswered(self, at: Span) -> None:
        """A page view without an answer: it may have been counted, or not."""
        steps = {step.state for state in self.states for step in self._steps(state, at, {self.ttl})}
        self.states |= steps

    def look(self, at: Span, observed: Observation, *, saved: bool = False) -> Seen:
        """Something that is no page view.

        What is `saved` may be behind: a page view has its time before it is on the volume, and a picture is
        shown to others.
        """
        if observed.views is not None:
            self._see_again(at)
        self.settle(at)
        before, since = self._last_look, Span(self._last_look, at.hi)
        strangers = self._strangers(at, observed, own=0)
        if saved:
            self._last_look = before
        wrong = [fit(state, at, self.ttl, observed)[1] for state in self.states]
        if good := self._fitting(self.states, at, observed) or self._after_others(at, since, observed):
            self.states = good
            if observed.views is not None and not saved:
                self._saved = good
            return Seen([], set(), strangers)
        # It may be so still as it was when the app was last known to have saved all that it had answered.
        if saved and self._fitting(self._settled(self._saved, at), at, observed):
            return Seen([], set(), behind=True)
        self.forget(at, observed)
        unknown = [Mismatch("state", "a possible one", "another")]
        return Seen(min(wrong, key=_distance, default=unknown), set(), strangers)

    def _fitting(self, states: Iterable[State], at: Span, observed: Observation) -> set[State]:
        """Those that fit, with what is learned from `observed`."""
        fits = (fit(state, at, self.ttl, observed) for state in states)
        return {state for state, wrong in fits if not wrong}

    def _settled(self, states: Iterable[State], at: Span) -> set[State]:
        return {later for state in states for later in model.settle(state, at, self.fetches)}

    def _after_others(self, at: Span, since: Span, observed: Observation) -> set[State]:
        """The states that fit if others came `since`, as the next look at the counts would betray."""
        states = self.states
        for _ in range(MOST_UNSEEN):
            waiting = (one for state in states for one in model.called(state, since, self.ttl, self.fetches))
            states = {*waiting} if observed.views is not None else self._viewed(states, since, self._ttls)
            if good := self._fitting(states, at, observed):
                return good
        return set()

    def forget(self, at: Span, observed: Observation) -> None:
        """Goes on with no more than what was observed last, so that one fault is not found over and over."""
        states = self._anything(at)
        self.states = self._fitting(states, at, observed) or states

    def _strangers(self, at: Span, observed: Observation, *, own: int) -> int:
        """Lets others view the page, as often as the count that is observed betrays; returns how often.

        They came since the last look at the counts.
        """
        if observed.views is None:
            return 0
        self._errors = set()
        since, self._last_look = Span(self._last_look, at.hi), at.lo
        ttls, self._ttls = self._ttls, {self.ttl}
        counted = [state.views for state in self.states if state.views is not None]
        if not counted:
            return 0
        before = observed.views - own
        number: int = before - max(counted)
        for _ in range(before - min(counted)):
            if number > MOST_STRANGERS or len(self.states) > MAX_STATES:
                self.states = self._anything(at)
                break
            behind = {state for state in self.states if state.views is not None and state.views < before}
            self.states = self.states - behind | self._viewed(behind, since, ttls) or self.states
        return max(number, 0)

    def _viewed(self, states: Iterable[State], at: Span, ttls: Iterable[float]) -> set[State]:
        """What may have come of `states` by one page view at an instant of `at`."""
        return self._settled((step.state for one in states for step in self._steps(one, at, ttls)), at)

    def _steps(self, state: State, at: Span, ttls: Iterable[float]) -> Iterator[Step]:
        for ttl in ttls:
            yield from model.view(state, at, at, ttl, self.fetches)


def _distance(wrong: Sequence[Mismatch]) -> tuple[int, bool]:
    """How far a state is from what was observed; one with another count is some page views away."""
    return len(wrong), any(mismatch.name == "views" for mismatch in wrong)


def _has_ended(fetches: Sequence[Fetch], number: int, at: Span) -> bool:
    return number < len(fetches) and fetches[number].span.hi < at.lo
