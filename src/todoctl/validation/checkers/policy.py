"""Replays a history against the model: what fits no possible state is a finding."""

from dataclasses import dataclass, field, replace
from enum import Enum
from math import inf

from todoctl.evidence import pages as reading
from todoctl.evidence.history import (
    Act,
    Answer,
    ClockStep,
    Download,
    Event,
    Log,
    Op,
    Request,
    Role,
    Volume,
    no_history,
)
from todoctl.evidence.pages import METADATA, PICTURE_FILE, STATE, STATE_FILE, Observation, or_none
from todoctl.evidence.pictures import media_type
from todoctl.evidence.times import Span
from todoctl.evidence.verdict import Visit
from todoctl.validation.checkers.timeline import Findings, Timeline, in_words
from todoctl.validation.claims import CLAIMS
from todoctl.validation.model import LATE, Kind, statuses
from todoctl.validation.model import UNKNOWN as UNSEEN
from todoctl.validation.replay import Seen, StateSet

EXPECTED = {
    Kind.VALID: "the same picture, Valid",
    Kind.GRACE: "the old picture once more, Grace period",
    Kind.RENEW: "a new picture, Valid, image count 1",
    Kind.KEPT: "the old picture, or a placeholder, in time",
}
"""What a page view should have shown."""

UNKNOWN = frozenset({Op.REPLACED, Op.FAILED})
"""Acts in whose time it is not known what ran the app: what was seen then is not held against it."""

STARTS = frozenset({Op.START, Op.TAKEOVER, Op.DAMAGE})


class LastError(Enum):
    """Whether `last_error` names the volume or the saved state, whatever the image service does."""

    FORBIDDEN = "forbidden"
    ALLOWED = "allowed"
    REQUIRED = "required"


@dataclass(kw_only=True)
class Replayed:
    """What a replay has found and learned, by the number of the event.

    `others` is how many page views of others an event shows, `kinds` what a page view was, `named` the
    pictures of which the log has to name one, `ttls` what the TTL was. `behind` are the looks at a volume
    on which a newer picture is just being saved.
    """

    findings: Findings = field(default_factory=Findings)
    visits: list[Visit] = field(default_factory=list)
    statuses: list[tuple[float, str]] = field(default_factory=list)
    others: dict[int, int] = field(default_factory=dict)
    kinds: dict[int, set[Kind]] = field(default_factory=dict)
    named: dict[int, set[str]] = field(default_factory=dict)
    ttls: dict[int, float] = field(default_factory=dict)
    behind: set[int] = field(default_factory=set)


def replay(timeline: Timeline) -> Replayed:
    """Returns what is found where every event is held to the states that the model allows."""
    found = _Replay(timeline)
    for number, event in timeline.order:
        found.take(number, event)
    return found.result


class _Replay:
    """`since` is the act of which the next page view shows what came of it."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.history = timeline.history
        self.result = Replayed()
        self.findings = self.result.findings
        facts = self.history.facts
        self.state_set = StateSet(facts.ttl)
        self.epoch = 0
        if facts.source in timeline.own_sources:
            self.state_set.fetches = timeline.fetches(0)
        self.source = facts.source
        self.started = -inf
        self.since: Act | None = None
        self.last_error = LastError.FORBIDDEN
        self.detached, self.detached_at = False, -inf
        self.late = False
        self.before: tuple[set[str | None], set[str | None]] = set(), set()
        """The pictures that were possible after the last two events."""
        self.addresses: dict[str, str] = {}
        self.shown = {
            event.visit: event.answer.body
            for event in self.history.events
            if isinstance(event, Request) and event.role is Role.PICTURE
            if event.answer and event.answer.status == 200
        }

    def take(self, number: int, event: Event) -> None:
        """Holds the next event to the possible states."""
        at = self.timeline.span(event)
        if isinstance(event, ClockStep):
            self.epoch += 1
            fetches = self.timeline.fetches(self.epoch)
            self.state_set.clock_was_set(fetches if self.state_set.fetches is not None else None)
        if isinstance(event, Act):
            self._act(number, event, at)
        if isinstance(event, Act | ClockStep | Download):  # a download is held against all other events
            return
        state_set = self.state_set
        self.late = all(state.pending is not None for state in state_set.states)
        state_set.settle(at)
        self._check_start(number, at)
        match event:
            case Request(role=Role.PAGE):
                self._view(number, event, at)
            case Request(answer=Answer() as answer, role=Role.PICTURE):
                self._picture(number, event, answer, at)
            case Request(answer=Answer(status=200) as answer, role=Role.CACHE):
                self._cache(number, event, answer, at)
            case Volume():
                self._volume(number, event, at)
            case Log():
                self._log(number)
        self.before = self.before[1], {state.picture for state in state_set.states}

    # What was done

    def _act(self, number: int, act: Act, at: Span) -> None:
        state_set = self.state_set
        if act.what in {Op.SERVE, *UNKNOWN}:
            return
        state_set.settle(Span(at.lo, at.lo))
        self.since = None if act.what is Op.START else act
        if act.what in STARTS:
            self._start(act, at)
        elif act.what in {Op.RESTART, Op.KILL}:
            at_once = act.what is Op.KILL
            state_set.start(state_set.ttl, state_set.fetches, at, emptied=False, at_once=at_once)
            self.started = at.hi
            self._check_replaced(number, act)
        elif act.what is Op.DETACH:
            self.detached, self.detached_at, self.last_error = True, at.lo, LastError.REQUIRED
        elif act.what in {Op.LOSE, Op.SPOIL, Op.ATTACH}:
            self.last_error = LastError.ALLOWED
        if act.what is Op.ATTACH:
            self.detached = False
            state_set.lose_sight(self.detached_at, at)

    def _start(self, act: Act, at: Span) -> None:
        fetches = self.timeline.fetches(self.epoch) if act.source in self.timeline.own_sources else None
        stopped = at if act.stopped is None else self.timeline.instant(act, act.stopped)
        ttl = act.ttl or self.state_set.ttl
        self.state_set.start(ttl, fetches, stopped, emptied=act.emptied, at_once=True)
        self.source, self.started = act.source, at.hi
        if act.emptied:
            self.detached, self.last_error = False, LastError.FORBIDDEN
        if act.what is Op.DAMAGE:
            self._start_on_damage(act, at)

    def _start_on_damage(self, act: Act, at: Span) -> None:
        """A value that is not as documented is as if it were missing; so is a picture that is not whole."""
        digests = [act.files.get(name) for name in (STATE_FILE, PICTURE_FILE)]
        if not all(digests):
            raise no_history(f"a file is missing in an act {act.what.value!r}")
        state, picture = (str(digest) for digest in digests)
        read = reading.document(self.history.bodies[state], METADATA)
        whole = media_type(self.history.bodies[picture]) is not None
        # A file has the time of todoctl's clock, which the app's may be behind, in whole seconds.
        written = Span(min(act.begin, at.lo) - 1, max(act.end, at.hi))
        self.state_set.find(read.observed, picture if whole else None, written)
        self.last_error = LastError.REQUIRED if read.wrong and whole else LastError.ALLOWED

    def _check_replaced(self, number: int, act: Act) -> None:
        kept = sorted(set(act.before) & set(act.after))
        seen = f"still {', '.join(kept)}" if kept else ", ".join(act.after) or "nothing"
        expected = f"no longer {', '.join(act.before)}"
        passed = bool(act.after) and not kept
        self.findings.note(number, "restart-replaced", "what runs the app", expected, seen, passed=passed)

    def _check_start(self, number: int, at: Span) -> None:
        """A start with no picture has to fetch one by itself."""
        state_set = self.state_set
        late = at.lo > self.started + LATE
        if state_set.fetches is not None and late and all(state.starting for state in state_set.states):
            expected = f"one within {LATE:g} s of a start with no picture"
            self.findings.note(number, "start", "download", expected, "none", passed=False)
            state_set.states = {state._replace(starting=False) for state in state_set.states}

    def _check_downloads(self, at: Span) -> None:
        """A download that had ended by then has its cause, once it is known how many views there were."""
        while (fetch := self.state_set.unexplained(at)) is not None:
            number = self.timeline.downloads[fetch][0]
            expected, seen = "none: nothing called for one", "the image service was asked"
            self.findings.note(number, "fetches", "download", expected, seen, passed=False)

    # What was seen

    def _view(self, number: int, event: Request, window: Span) -> None:
        if number not in self.timeline.pages:
            self.state_set.unanswered(window)
            return
        page = self.timeline.pages[number]
        observed, findings = page.observed, self.findings
        if self.detached:  # it is answered; what is counted meanwhile nobody promises
            self.since = None
            findings.note(number, "detach", "page view", "answered", in_words(observed.known()), passed=True)
        else:
            last = or_none(observed.last_view)
            at = window.common(last) if last is not None and window.meets(last) else window
            failed = any(state.error for state in self.state_set.states)
            seen = self.state_set.view(at, window, observed)
            self._viewed(number, seen.strangers)
            self.last_error = LastError.FORBIDDEN
            self._check_downloads(at)
            self._judge_view(number, seen, observed, self._claims(event, seen, observed, failed=failed))
            self._check_address(number, page.picture)
            self.result.kinds[number] = set() if seen.mismatches else seen.kinds
        self._note_status(event, observed)
        visit = Visit(
            event=number,
            at=event.end,
            status=observed.status or "",
            access_count=observed.views,
            image_access_count=observed.picture_views,
            picture=self.shown.get(event.visit),
        )
        self.result.visits.append(visit)

    def _claims(self, event: Request, seen: Seen, observed: Observation, *, failed: bool) -> list[str]:
        """Returns the claims that a page view proves or breaks: what it was, and what had happened before."""
        if len(seen.kinds) != 1:
            return []
        (kind,) = seen.kinds
        claims = [kind.value]
        if kind is Kind.VALID and observed.views == observed.picture_views == 1:
            claims.append("first")
        since = self.since
        if since is not None and event.begin >= since.end and not event.crowd:
            claims += [f"{since.what}-{kind}", since.what]
            self.since = None
        if kind is Kind.KEPT and seen.fetch is not None:
            claims.append(f"outage-{self.timeline.downloads[seen.fetch][1].way}")
        if kind is Kind.RENEW and failed:
            claims.append("outage-taken")
        return [claim for claim in claims if claim in CLAIMS]

    def _judge_view(self, number: int, seen: Seen, observed: Observation, claims: list[str]) -> None:
        self.findings.mismatches(number, seen.mismatches, claims or ["state"])
        if seen.mismatches:
            return
        said, note = in_words(observed.known()), self.findings.note
        for claim in claims:
            note(number, claim, "page view", EXPECTED[next(iter(seen.kinds))], said, passed=True)
        note(number, "counted", "counts", "one more than before", said, passed=True)

    def _check_address(self, number: int, address: str | None) -> None:
        """Two pictures at one address would be one picture to a browser."""
        pictures = {state.picture for state in self.state_set.states}
        shown = pictures.pop() if len(pictures) == 1 else None
        if address and shown and shown != UNSEEN:
            known = self.addresses.setdefault(address, shown)
            expected, seen = (in_words({"picture": picture}) for picture in (known, shown))
            self.findings.same(number, "page-picture", f"picture at {address}", expected, seen)

    def _picture(self, number: int, event: Request, answer: Answer, at: Span) -> None:
        observed = Observation(picture=answer.body if answer.status == 200 else None)
        certain = all(statuses(one, at, self.state_set.ttl) == {"valid"} for one in self.state_set.states)
        if self.detached and not certain:
            return
        claim = "page-picture" if event.visit else "picture"
        self._note(number, claim, "the current picture", observed, self.state_set.look(at, observed))

    def _note(self, number: int, claim: str, expected: str, observed: Observation, seen: Seen) -> None:
        """Notes what a look found that is about one thing."""
        self.findings.mismatches(number, seen.mismatches, [claim])
        if not seen.mismatches:
            name = "state" if claim == "state" else "picture"
            self.findings.note(number, claim, name, expected, in_words(observed.known()), passed=True)

    def _cache(self, number: int, event: Request, answer: Answer, at: Span) -> None:
        read = reading.document(self.history.bodies[answer.body], STATE)
        image, error = read.rest.get("image"), read.rest.get("last_error") is not None
        picture = image.get("sha256") if isinstance(image, dict) else None
        self.findings.same(number, "ttl", "ttl", self.state_set.ttl, read.rest.get("ttl"))
        self.findings.same(number, "source", "source", self.source, read.rest.get("source"))
        if self.detached:
            self._check_last_error(number, error)
            return
        known = error if self.last_error is LastError.FORBIDDEN else None
        observed = replace(read.observed, error=known, picture=picture)
        untouched = all(state.views == 0 for state in self.state_set.states)
        seen = self.state_set.look(at, observed)
        self._viewed(number, seen.strangers)
        self._check_last_error(number, error)
        self._note(number, "state", "a possible one", observed, seen)
        self._check_downloads(at)
        if not seen.mismatches and picture:
            said, note = in_words(observed.known()), self.findings.note
            if untouched and observed.views == 0:
                note(number, "start", "download", "one before any view", said, passed=True)
            if self.late and observed.picture_views == 0:
                note(number, "late", "picture that came late", "taken when it came", said, passed=True)
        self._note_status(event, observed)

    def _check_last_error(self, number: int, error: object) -> None:
        if self.last_error is LastError.REQUIRED:
            seen = "a message" if error else "nothing"
            self.findings.same(number, "last-error", "last_error", "a message", seen)

    def _volume(self, number: int, event: Volume, at: Span) -> None:
        """What is saved; a newer picture's JSON comes first, then its file."""
        files = {file.name: file for file in event.files}
        if STATE_FILE in files:
            read = reading.document(self.history.bodies[files[STATE_FILE].body], METADATA)
            seen = self.state_set.look(at, read.observed, saved=True)
            self._viewed(number, seen.strangers)
            self.findings.mismatches(number, seen.mismatches, ["volume-state"])
        else:
            nothing = not any(state.picture for state in self.state_set.states)
            expected, missing = f"{STATE_FILE} with all that is known", f"no {STATE_FILE}"
            self.findings.note(number, "volume-state", "metadata", expected, missing, passed=nothing)
        file = files.get(PICTURE_FILE)
        observed = Observation(picture=file.body if file else None)
        seen = self.state_set.look(at, observed, saved=True)
        if file or seen.mismatches:
            self._note(number, "volume-picture", "the current picture", observed, seen)
        if seen.behind:
            self.result.behind.add(number)

    def _log(self, number: int) -> None:
        self.result.ttls[number] = self.state_set.ttl
        pictures = {state.picture for state in self.state_set.states}
        if pictures == self.before[0]:  # else it may have been shown before it is named
            named = {picture for picture in pictures if picture is not None}
            if len(named) == len(pictures):
                self.result.named[number] = named

    def _viewed(self, number: int, others: int) -> None:
        """Notes page views of others that an event shows: they mend what is wrong with the saved state."""
        if others:
            self.result.others[number] = others
            self.last_error = LastError.FORBIDDEN

    def _note_status(self, event: Event, observed: Observation) -> None:
        if observed.status is not None:
            self.result.statuses.append((event.end, observed.status))
