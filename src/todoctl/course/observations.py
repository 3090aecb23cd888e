"""From a history to what was observed: visits, which picture is the one, and how long each was there."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count, groupby
from math import inf, isinf
from urllib.parse import urlsplit

from todoctl.course import labels
from todoctl.course.labels import Labels
from todoctl.evidence import pictures
from todoctl.evidence.history import Act, Answer, ClockStep, History, Op, Request, Role, Volume
from todoctl.evidence.times import EVER, Span, offset

FILE_SECONDS = 0.1
"""Seconds between a file's time, by this machine's clock, and what is done with it."""

TOLERATED_STEP = 1.0
"""Seconds by which the machine's clock may be set without a life being judged anew."""

NO_PICTURE = "a page without a picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A picture that a page shows: `digest` identifies it by its pixels; `problem` says why it is none."""

    address: str
    begin: float
    end: float
    digest: str = ""
    problem: str = ""
    icon: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One visit: what it showed between `begin` (of the page) and `end` (of the picture).

    `event` is the page's number in the history, `page_end` when all of the page was there, `asked` when the
    picture was asked for. `picture` is a digest, empty where none was seen, and `problem` says why.
    """

    event: int
    phase: str
    begin: float
    page_end: float
    asked: float
    end: float
    address: str
    picture: str
    problem: str
    labels: Labels

    @property
    def seconds(self) -> float:
        return self.end - self.begin


@dataclass(slots=True, kw_only=True)
class Interval:
    """A picture from the first view that showed it to the last before another one was shown.

    `seen` is when it came, at the earliest and the latest, by the views alone; `born` is the same with what
    labels and files say. Both are unknown where this machine's clock was set meanwhile: the app may go by
    it, or may not. `before` and `next` are the views of other pictures beside it. `restarted` says that the
    app was restarted before the next one.
    """

    picture: str
    views: list[View]
    seen: Span
    born: Span
    before: View | None
    next: View | None
    restarted: bool

    @property
    def fresh(self) -> bool:
        """Whether it was seen to come, so that nothing else is needed to know its age."""
        return not isinf(self.seen.lo)

    def age(self, begin: float, end: float) -> Span:
        """Returns how old it is between two moments: at least and at most, in seconds."""
        return Span(begin - self.born.hi, end - self.born.lo)

    def surely_old(self, ttl: float) -> list[View]:
        return [view for view in self.views if view.begin - self.born.hi > ttl]

    def maybe_old(self, ttl: float) -> list[View]:
        return [view for view in self.views if view.end - self.born.lo > ttl]

    @property
    def width(self) -> float:
        """Seconds within which it came."""
        return self.born.hi - self.born.lo

    @property
    def lasted(self) -> Span:
        """Seconds for which it was shown: at least, and at most (infinite: it is not known when it came)."""
        most = self.age(self.next.begin, self.next.end).hi if self.next else inf
        last = self.views[-1]
        return Span(max(0.0, self.age(last.asked, last.end).lo), most)

    def went_early(self, ttl: float) -> bool:
        """Whether another one came before its time, without doubt."""
        return self.fresh and not self.restarted and self.lasted.hi < ttl - slack(ttl)


def slack(ttl: float) -> float:
    """Returns the seconds by which the app may count otherwise than we do."""
    return min(2.0, ttl / 10)


@dataclass(slots=True)
class Observations:
    """What a history shows. `update` takes in what was added to it.

    `address` is that of the picture that is watched, `unclear` why it may be the wrong one.
    """

    history: History
    views: list[View] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)
    address: str = ""
    unclear: str = ""
    _known: dict[str, tuple[str, str, bool]] = field(default_factory=dict)
    _pixels: dict[str, str] = field(default_factory=dict)
    _pages: dict[int, tuple[int, Request, list[Candidate]]] = field(default_factory=dict)
    _views: dict[int, tuple[Candidate | None, View]] = field(default_factory=dict)
    _taken: int = 0

    def __post_init__(self) -> None:
        self.update()

    @property
    def ttl(self) -> float:
        return self.history.facts.ttl

    @property
    def steps(self) -> list[ClockStep]:
        return [event for event in self.history.events if isinstance(event, ClockStep)]

    @property
    def _acts(self) -> list[Act]:
        return [event for event in self.history.events if isinstance(event, Act)]

    def acts(self, what: str) -> list[Act]:
        return [act for act in self._acts if act.what == what]

    @property
    def disturbances(self) -> list[Act]:
        """What was done to the app after its start, whether it came to its end or not."""
        return [act for act in self._acts if act.what is not Op.START]

    def update(self) -> None:
        """Takes in the events that were added since the last time."""
        events = self.history.events
        for number in range(self._taken, len(events)):
            event = events[number]
            if isinstance(event, Request) and event.role is Role.PAGE and not event.crowd:
                self._pages[event.visit] = number, event, []
            elif isinstance(event, Request) and event.role is Role.PICTURE and event.visit in self._pages:
                self._pages[event.visit][2].append(self._candidate(event))
            elif isinstance(event, Volume):
                for body in {file.body for file in event.files} & self.history.bodies.keys():
                    self._read(body)
        self._taken = len(events)
        pages = self._pages.values()
        watched = self._choose([asked for _, _, asked in pages])
        self.views = []
        for (number, page, _), one in zip(pages, watched, strict=True):
            known = self._views.get(number)
            if known is None or known[0] is not one:
                known = self._views[number] = one, self._view(number, page, one)
            self.views.append(known[1])
        self.address = next((view.address for view in reversed(self.views) if view.picture), "")
        self.intervals = self._intervals()

    def _candidate(self, request: Request) -> Candidate:
        answer, digest, icon = request.answer, "", False
        if answer is None:
            problem = f"no answer ({request.error})"
        else:
            problem = request.error if answer.status == 200 else f"HTTP {answer.status}"
            if not problem:
                digest, problem, icon = self._read(answer.body)
            problem = problem and f"{problem} ({_kind(answer)})"
        return Candidate(
            address=request.url,
            begin=request.begin,
            end=request.end,
            digest="" if problem else digest,
            problem=problem and f"{problem} instead of the picture at {request.url}",
            icon=icon,
        )

    def _read(self, body: str) -> tuple[str, str, bool]:
        """The identity of a picture, why it is none, and whether it is an icon."""
        if body not in self._known:
            content = self.history.bodies.get(body, b"")
            found = pictures.read(content)
            same = self._pixels.setdefault(found.pixels, body) if not found.fault else body
            self._known[body] = same, pictures.fault(content), found.is_icon
        return self._known[body]

    def same_picture(self, digest: str) -> set[str]:
        """Returns the bodies that are the picture `digest`, encoded as they may be."""
        return {body for body, (identity, _, _) in self._known.items() if identity == digest} | {digest}

    def _choose(self, visits: list[list[Candidate]]) -> list[Candidate | None]:
        """The picture of each visit: of all that the page shows, the one that changes over an expiry."""
        self.unclear = ""
        slots = [slot for slot in _slots(visits) if not all(one is None or one.icon for one in slot)]
        good = [slot for slot in slots if any(one and one.digest for one in slot)]
        if not good:
            return slots[0] if slots else [None] * len(visits)
        steady = [slot for slot in good if len(_digests(slot)) > 1 and _longest(slot) > 0]
        restless = [slot for slot in good if slot not in steady and len(_digests(slot)) > 1]
        constant = [slot for slot in good if len(_digests(slot)) == 1]
        if steady:
            return max(steady, key=_longest)
        if constant and (not restless or not self._outlived(constant[0])):
            if len(constant) > 1:
                names = ", ".join(next(one.address for one in slot if one)[:100] for slot in constant[:3])
                self.unclear = (
                    f"the page shows {len(constant)} pictures, and none of them changed ({names}): "
                    "name the right one with --image"
                )
            return constant[0]
        return restless[0]

    def _outlived(self, slot: list[Candidate | None]) -> bool:
        """Whether what never changed was there for longer than a picture may be: then it is a logo."""
        seen = [one for one in slot if one and one.digest]
        return sum(one.begin > seen[0].end + self.ttl for one in seen) > 2

    def _view(self, number: int, page: Request, watched: Candidate | None) -> View:
        problem = watched.problem if watched else NO_PICTURE
        if page.answer is None:
            problem = f"no answer ({page.error})"
        elif page.answer.status != 200:
            problem = f"HTTP {page.answer.status} ({_kind(page.answer)}) instead of a page"
        elif not watched and _kind(page.answer).startswith("image/"):
            problem = f"a bare picture ({_kind(page.answer)}) instead of a page that shows one"
        return View(
            event=number,
            phase=page.scenario,
            begin=page.begin,
            page_end=page.end,
            asked=watched.begin if watched else page.begin,
            end=watched.end if watched else page.end,
            address=watched.address if watched else "",
            picture="" if problem or not watched else watched.digest,
            problem=problem,
            labels=labels.read(self.history.bodies.get(page.answer.body, b"") if page.answer else b""),
        )

    def _intervals(self) -> list[Interval]:
        started = max((act.begin for act in self.acts(Op.START) if act.emptied), default=-inf)
        shown = [view for view in self.views if view.picture]
        groups = [list(group) for _, group in groupby(shown, lambda view: view.picture)]
        found = []
        for number, views in enumerate(groups):
            before = groups[number - 1][-1] if number else None
            following = groups[number + 1][0] if number + 1 < len(groups) else None
            seen = Span(before.begin if before else started, views[0].end)
            until = (following or views[-1]).end
            by = [abs(step.by) for step in self.steps if step.end > seen.lo and step.begin < until]
            if sum(by) > TOLERATED_STEP:
                seen = EVER
            one = Interval(
                picture=views[0].picture,
                views=views,
                seen=seen,
                born=seen,
                before=before,
                next=following,
                restarted=following is not None
                and any(views[-1].end <= act.begin <= following.begin for act in self.disturbances),
            )
            if not before and not self.steps:  # with a step it is not known by which clock they go
                self._narrow(one)
            found.append(one)
        return found

    def _narrow(self, interval: Interval) -> None:
        """Takes what a file's time, or a label, says of when a picture came, unless its views refute that."""
        written = [*self._written(interval)]
        for said in [*written, *self._labelled(interval)]:
            if said.lo < interval.seen.hi and said.hi > interval.seen.lo:
                # What was seen needs no help: a label may be wrong, and a file written anew.
                lo = interval.seen.lo if interval.fresh else said.lo
                interval.born = Span(lo, min(said.hi, interval.seen.hi))
                sure = interval.fresh and said in written  # on a volume that was empty
                if sure or len(interval.surely_old(self.ttl)) < 2:
                    return
                interval.born = interval.seen

    def _labelled(self, interval: Interval) -> Iterator[Span]:
        ahead, said = self.clock_offset(), interval.views[0].labels.downloaded
        if said and ahead:
            yield Span(said.lo - ahead.hi, said.hi - ahead.lo)

    def _written(self, interval: Interval) -> Iterator[Span]:
        """When its file was written, if every look says the same: a view may write it anew."""
        until = interval.next.begin if interval.next else inf
        looks = (event for event in self.history.events if isinstance(event, Volume))
        files = [
            file for look in looks if interval.views[0].begin <= look.begin <= until for file in look.files
        ]
        bodies = self.same_picture(interval.picture)
        times = {file.modified for file in files if file.modified and file.body in bodies}
        if len(times) == 1:
            (moment,) = times
            yield Span(moment - FILE_SECONDS, moment + FILE_SECONDS)

    def clock_offset(self) -> Span | None:
        """Returns how far the labels' clock and zone are ahead, in seconds; None where they do not tell."""
        bounds = [
            Span(said.lo - view.page_end, said.hi - view.begin)
            for view in self.views
            if (said := view.labels.last_view)
        ]
        return offset(bounds) if bounds else None


def _slots(visits: list[list[Candidate]]) -> list[list[Candidate | None]]:
    """The same image of the page in each visit: by its path where each has it once, the others in order."""
    paths = [[_path(one.address) for one in candidates] for candidates in visits if candidates]
    once = Counter(path for some in paths for path in some if path and some.count(path) == 1)
    everywhere = {path for path, number in once.items() if number == len(paths)}
    slots: dict[str, list[Candidate | None]] = {}
    for number, candidates in enumerate(visits):
        others = count()
        for one in candidates:
            path = _path(one.address)
            key = path if path in everywhere else f"#{next(others)}"
            slots.setdefault(key, [None] * len(visits))[number] = one
    return list(slots.values())


@lru_cache(maxsize=4096)
def _path(address: str) -> str:
    """An address without what may differ from view to view; empty for one that holds the picture itself."""
    if address.startswith(("data:", "blob:")):
        return ""
    return urlsplit(address)._replace(query="", fragment="").geturl()


def _kind(answer: Answer) -> str:
    return answer.header("content-type") or "no type"


def _digests(slot: Sequence[Candidate | None]) -> set[str]:
    return {one.digest for one in slot if one and one.digest}


def _longest(slot: Sequence[Candidate | None]) -> float:
    """Seconds between the first and the last of the views that showed one picture without a break."""
    longest = 0.0
    for _, group in groupby((one for one in slot if one and one.digest), lambda one: one.digest):
        same = list(group)
        longest = max(longest, same[-1].begin - same[0].begin)
    return longest
