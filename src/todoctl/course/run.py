"""The run of one app: when it is visited, for the life of a picture, and several runs side by side.

Nothing is judged here but whether there is more to see. A run goes by a `Clock`, and takes what is done to
the app (restart, look at its files) as functions, so it can be driven by whoever started the app.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import inf, isinf
from typing import Protocol

from todoctl.course.browser import BrowserVisitor
from todoctl.course.claims import CLAIMS, DEFAULT, TIMED, judge_claim, needed
from todoctl.course.observations import Interval, Observations
from todoctl.course.visit import Clock, HttpVisitor, Notes, Visited, Visitor
from todoctl.errors import TodoctlError, UnavailableError
from todoctl.evidence.history import Act, ClockStep, Facts, File, History, Op, Play, Request, Role, Volume
from todoctl.evidence.http import Client, redacted
from todoctl.evidence.verdict import Outcome

MIN_STEP = 0.5
"""Seconds between two looks at the machine's clock that are a step, and not its drift."""

LIVES = 3
"""How many pictures' lives are waited for at most, where one after another leaves something open."""

CALM_SECONDS = 3.0
"""How long an app must have answered, after something was done to it."""

VIEW_SECONDS = 0.2
"""Between two page views during a restart."""

SHUTDOWN_SECONDS = 5.0
"""What a visit under way gets to end in when the run is interrupted."""

WAKE_SECONDS = 0.5
"""A Ctrl-C that the system hands to another thread is noticed when this one goes on."""

Tell = Callable[[str, str, float], None]
"""Shows of which address what is being done, and when (epoch seconds) the run should be at its end."""

Operation = Callable[[], Callable[[], bool]]
"""Begins something, and returns what says whether it is over; either raises `TodoctlError` where it fails."""


class InterruptedVisits(Exception):  # noqa: N818 - the user has ended the run
    """Ctrl-C: nothing more is visited."""


class SystemClock:
    """The real time; waits until `ending` is set at most."""

    def __init__(self, ending: threading.Event) -> None:
        self._ending, self._began = ending, time.time() - time.monotonic()

    def now(self) -> float:
        return self._began + time.monotonic()

    def wall(self) -> float:
        return time.time()

    def wait(self, moment: float) -> None:
        if self._ending.wait(max(moment - self.now(), 0.0)):
            raise InterruptedVisits


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One app: its page, the documented time in seconds, and what can be done to it and seen of it.

    `image` is the address of the picture where the user names it. `look` returns the files on its volume,
    `volume` says where they are. `acts` are what can be done to it, by the name of the claim that needs it.
    `claims` are those that were named to count, and then have to be judged; empty: all but the optional ones.
    `commands` are those that will be run, as they are shown. `sandbox` keeps a browser in one.
    `started` is when it was started on an empty volume (epoch seconds), where that is known.
    """

    url: str
    ttl: float
    image: str = ""
    look: Callable[[History], list[File]] | None = None
    volume: str = ""
    acts: dict[str, Operation] = field(default_factory=dict)
    claims: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    sandbox: bool = True
    started: float | None = None

    @property
    def counted(self) -> frozenset[str]:
        return frozenset(self.claims or DEFAULT) | {"shown"}


@dataclass(frozen=True, slots=True)
class Schedule:
    """When an app that keeps a picture for `ttl` seconds is visited: a short time makes all waits shorter."""

    ttl: float

    @property
    def scale(self) -> float:
        """1 from a minute on."""
        return min(1.0, self.ttl / 60)

    @property
    def pace(self) -> float:
        """Seconds from visit to visit at least, so that a stranger's app has little to do."""
        return min(1.0, self.ttl / 20)

    @property
    def margin(self) -> float:
        """How far from an expiry a visit keeps, so that it is certain on which side it is."""
        return min(2.0, self.ttl / 15)

    @property
    def first(self) -> tuple[float, ...]:
        """Waits before the first visits; the later ones are only made where there is no picture yet."""
        return (0.0, self.pace, self.pace, 5 * self.scale, 15 * self.scale)

    @property
    def late(self) -> tuple[float, ...]:
        """Seconds after its time when a picture is asked for that two visits did not renew."""
        return tuple(seconds * self.scale for seconds in (5.0, 15.0, 30.0))

    def step(self, takes: float) -> float:
        """Seconds from visit to visit while it is not known when a picture goes; each `takes` so many."""
        return max(self.pace, takes, self.ttl / 150, min(3 * takes, self.ttl / 100))

    def next(self, interval: Interval, now: float, takes: float, *, closely: bool) -> float | None:
        """Returns when to visit while this picture is shown; None where there is nothing more to see.

        Where it is known when it came: after a quarter, a half and three quarters of its time, twice just
        before its end (one view alone may be the grace view of a shorter time), and then when it surely is
        too old, so that the first view after its time is known. Else, or where that is not known well enough
        (`closely`), all the time: whoever sees a picture go knows when the next one came.
        """
        last = interval.views[-1].begin
        soon = last + max(self.pace, takes)
        age = interval.age(now, now)
        expired = now + max(0.0, self.ttl - age.lo) + (0.0 if age.lo > self.ttl else self.margin)
        if interval.surely_old(self.ttl):
            return self._after(interval, soon)
        if isinf(interval.born.lo) or closely:
            return min(max(last + self.step(takes), now), max(expired, soon))
        ends = now + self.ttl - age.hi - self.margin - 1.5 * takes
        pair = max(self.pace, 1.2 * takes)
        begin = interval.born.hi
        moments = [begin + part * (ends - pair - begin) for part in (0.25, 0.5, 0.75, 1.0)]
        for moment in [*moments, ends]:
            if moment >= last + 0.9 * self.pace and moment >= now - 0.5 * self.margin:
                return moment
        return max(expired, soon)

    def _after(self, interval: Interval, soon: float) -> float | None:
        """The visits after a picture's time: twice, then later and later."""
        old = interval.surely_old(self.ttl)
        if len(old) <= 2:
            return soon
        number = len(old) - 3
        return max(soon, old[0].begin + self.late[number]) if number < len(self.late) else None


class Run:
    """One app, watched; all that is seen goes into `history`, also where something fails."""

    def __init__(
        self, app: App, clock: Clock, tell: Tell = lambda *_: None, client: Client | None = None
    ) -> None:
        """Raises `UnavailableError` where nothing can be asked for from this machine's environment."""
        self.app, self._clock, self._tell = app, clock, tell
        self.schedule = Schedule(app.ttl)
        facts = Facts(
            kind="claims",
            target="url",
            url=redacted(app.url),
            ttl=app.ttl,
            source="",
            directory=app.volume,
            rolling=False,
            full=True,
            began_at=clock.now(),
        )
        self.history = History(facts=facts, interrupted=True)
        self.errors: dict[str, str] = {}
        self._client = client or Client(app.url, now=clock.now)
        self._notes = Notes(self.history, clock)
        self._http = HttpVisitor(self._client, self._notes, image=app.image)
        self._visitor: Visitor = self._http
        self._seen = Observations(self.history)
        self._visits = self._looks = 0
        self._last = -inf
        self._end = inf
        self._ahead = clock.wall() - clock.now()
        self._checked = clock.now()

    def play(self) -> None:
        """Plays the whole run. Never raises: claims that could not be judged say what went wrong."""
        try:
            self._play()
            self.history.interrupted = False
        except InterruptedVisits:
            pass
        except Exception as error:  # noqa: BLE001 - other apps are watched beside this one
            why = " ".join(str(error).split()) or type(error).__name__
            self.errors["shown"] = why if isinstance(error, TodoctlError) else f"Unexpected: {why}"
            self.history.interrupted = False
        finally:
            self._visitor.close()
            self._http.close()
            self.finish()

    def finish(self) -> None:
        """Notes how the run stands: the claims that count, and why some could not be judged."""
        self.history.ended_at = self._clock.now()
        for name in self.app.acts:
            if not self._seen.acts(name):
                self.errors.setdefault(name, f"the run did not come to the {name}")
        if self.app.look and not self._looks:
            self.errors.setdefault("files", "the run did not come to a look at the volume")
        for name, claim in CLAIMS.items():
            if claim.needs and not self._is_given(name):
                self.errors.setdefault(name, f"not asked for: {claim.needs} is needed")
        began = self.history.facts.began_at
        self.history.plays = [
            Play(
                name=name,
                title=claim.sentence,
                proves=[f"course.{name}"] if name in self._counted else [],
                tries=1,
                begin=began,
                end=began,
                error=self.errors.get(name, ""),
            )
            for name, claim in CLAIMS.items()
        ]

    def _is_given(self, name: str) -> bool:
        return name in self.app.acts or (name == "files" and self.app.look is not None)

    @property
    def _counted(self) -> set[str]:
        """The claims that count: what the user has given nothing for does not, where no claims are named."""
        named = self.app.claims
        return {name for name in self.app.counted if named or not CLAIMS[name].needs or self._is_given(name)}

    def _play(self) -> None:
        if self.app.started is not None:
            began = self.app.started - self._ahead
            act = Act(begin=began, end=began, scenario="shown", what=Op.START, emptied=True)
            self.history.events.append(act)
        self._meet()
        while (moment := self._next()) is not None:
            if moment > self._clock.now() and self._wait(moment, self._doing()):
                continue  # the machine's clock was set meanwhile
            self._visit(self._phase())
        for name in self.app.acts:
            self._act(name)

    def _meet(self) -> None:
        """The first visits; a browser comes along where scripts may show another picture than the HTML."""
        for number, wait in enumerate(self.schedule.first):
            if number >= 3 and self._seen.intervals:
                break
            self._wait(self._clock.now() + wait, "first visits")
            before = self._visitor
            visited = self._visit("shown")
            undecided = before is self._http and (number == 0 or not self._seen.intervals)
            if undecided and not self.app.image and visited and (visited.scripts or not visited.pictures):
                self._try_browser(visited.pictures)

    def _try_browser(self, known: Sequence[str]) -> None:
        """Goes on with a browser where that shows a picture which the HTML does not have."""
        try:
            browser = BrowserVisitor(self.app.url, self._client.reach, self._notes, sandbox=self.app.sandbox)
        except UnavailableError:
            if not known:
                raise
            return
        self._visitor = browser
        visited = self._visit("shown") or Visited()
        if set(visited.pictures) <= set(known):
            browser.close()
            self._visitor = self._http

    def _next(self) -> float | None:
        """When to visit next for what counts and takes time; None: no more."""
        seen, schedule, now = self._seen, self.schedule, self._clock.now()
        if not seen.intervals:
            return None
        interval = seen.intervals[-1]
        takes = self._takes()
        outcomes = {name: judge_claim(seen, name).outcome for name in TIMED & self.app.counted}
        left = [name for name, outcome in outcomes.items() if outcome is Outcome.NOT_JUDGED]
        confirm = interval.views[-1].begin + schedule.pace if len(interval.views) < 2 else None
        unsettled = "renews" in outcomes and outcomes["renews"] is Outcome.FAILED and not interval.next
        if outcomes.get("stays") is Outcome.FAILED:
            return now if len(seen.views) < 5 else None  # is it another one at each view?
        if unsettled and interval.surely_old(schedule.ttl):
            return schedule.next(interval, now, takes, closely=False)
        if not left or Outcome.FAILED in outcomes.values() or self._hopeless():
            return confirm
        closely = "stays" in left and (
            schedule.ttl - (interval.born.hi - interval.born.lo) - schedule.margin - takes
            < needed(interval, schedule.ttl)
        )
        self._end = now + schedule.ttl - min(interval.age(now, now).lo, schedule.ttl) + schedule.margin
        return schedule.next(interval, now, takes, closely=closely)

    def _hopeless(self) -> bool:
        """Whether waiting for another picture's life will tell no more than those before it have."""
        lives = LIVES * self.schedule.ttl + self.schedule.late[-1]
        return self._clock.now() - self.history.facts.began_at > lives

    def _takes(self) -> float:
        """How long a visit takes: as the slowest of the last ones but one, which may have been slow once."""
        recent = sorted(view.seconds for view in self._seen.views[-6:])
        return recent[-2] if len(recent) > 2 else recent[-1]

    def _phase(self) -> str:
        interval, now = self._seen.intervals[-1], self._clock.now()
        if interval.age(now, now).lo > self.schedule.ttl:
            return "renews" if interval.surely_old(self.schedule.ttl) else "grace"
        return "renews" if interval.before and len(interval.views) == 1 else "stays"

    def _doing(self) -> str:
        interval = self._seen.intervals[-1]
        if interval.surely_old(self.schedule.ttl):
            return "waiting for a new picture"
        known = (
            "" if not isinf(interval.born.lo) else "; its age is not known, so it may have to be done twice"
        )
        return f"waiting while the picture is valid{known}"

    def _act(self, name: str) -> None:
        """Does something to the app under page views, then visits; twice if the picture's age was unknown."""
        for _ in range(2):
            if self._done(name):
                return
            before, what = self._clock.now(), name
            self._tell(self.app.url, f"{name} of the app", self._end)
            try:
                over = self.app.acts[name]()
                while not over():
                    self._view(name)
                self._settle(name)
            except TodoctlError as error:
                self.errors[name], what = str(error), "failed"
            act = Act(begin=before, end=self._clock.now(), scenario=name, what=Op(what), ttl=self.app.ttl)
            self.history.events.append(act)
            self._seen.update()
            self._visit(name)
            self._look()
            self._visit(name)

    def _done(self, name: str) -> bool:
        return name in self.errors or (
            bool(self._seen.acts(name))
            and (name not in CLAIMS or judge_claim(self._seen, name).outcome is not Outcome.NOT_JUDGED)
        )

    def _view(self, name: str) -> None:
        """One page view while something is done to the app."""
        self._http.view(self._number(), name, crowd=f"during the {name}")
        self._wait(self._clock.now() + VIEW_SECONDS)

    def _settle(self, name: str) -> None:
        """Views the page until it has been there for a while."""
        began, scale = self._clock.now(), self.schedule.scale
        calm = max(CALM_SECONDS * scale, 3 * VIEW_SECONDS)
        while (now := self._clock.now()) - began < 120 * scale:
            recent = [event for event in self._recent(now - calm) if event.crowd]
            answered = bool(recent) and all(view.answer and view.answer.status == 200 for view in recent)
            if answered and now - began >= calm:
                return
            self._view(name)

    def _recent(self, since: float) -> list[Request]:
        return [
            event
            for event in self.history.events[-200:]
            if isinstance(event, Request) and event.role is Role.PAGE and event.begin > since
        ]

    def _visit(self, phase: str) -> Visited | None:
        """One visit, at the pace, and a look at the volume where it shows a new picture."""
        before = len(self._seen.intervals)
        self._wait(self._last + self.schedule.pace)
        self._last = self._clock.now()
        visited = self._visitor.visit(self._number(), phase)
        self._check_clock()
        self._seen.update()
        if len(self._seen.intervals) > before:
            self._look()
        return visited

    def _number(self) -> int:
        self._visits += 1
        return self._visits

    def _look(self) -> None:
        """The files on the volume, if they can be seen."""
        if self.app.look is None or "files" in self.errors:
            return
        begin = self._clock.now()
        try:
            found = self.app.look(self.history)
        except TodoctlError as error:
            self.errors["files"] = str(error)
            return
        self._looks += 1
        self.history.events.append(
            Volume(
                begin=begin,
                end=self._clock.now(),
                scenario=self.history.events[-1].scenario,
                seen_from=self.app.volume,
                look=self._looks,
                files=found,
            )
        )

    def _wait(self, moment: float, doing: str = "") -> bool:
        """Waits until a moment; returns whether the machine's clock was set meanwhile.

        Raises `InterruptedVisits` where the run is ended.
        """
        if moment - self._clock.now() > 60:
            self._visitor.rest()
        if doing:
            self._tell(self.app.url, doing, self._end)
        self._clock.wait(moment)
        return self._check_clock()

    def _check_clock(self) -> bool:
        """Notes that the machine's clock was set, and returns whether it was."""
        now, ahead = self._clock.now(), self._clock.wall() - self._clock.now()
        was_set = abs(ahead - self._ahead) > MIN_STEP
        if was_set:
            scenario = self.history.events[-1].scenario if self.history.events else "shown"
            step = ClockStep(begin=self._checked, end=now, scenario=scenario, by=ahead - self._ahead)
            self.history.events.append(step)
            self._ahead = ahead
            self._seen.update()
        self._checked = now
        return was_set


class Board(Protocol):
    """Shows how several runs stand."""

    def side_by_side(self, names: Sequence[str]) -> AbstractContextManager[Tell]:
        """Around the runs; what it gives is given what each does."""
        ...


def play(apps: Sequence[App], board: Board, runs: list[Run]) -> None:
    """Plays a run of each app side by side, and adds them to `runs` before the first visit.

    Ctrl-C ends all of them; what they have seen until then is in their histories.
    """
    ending = threading.Event()
    with board.side_by_side([app.url for app in apps]) as tell:
        runs += [Run(app, SystemClock(ending), tell) for app in apps]
        threads = [threading.Thread(target=run.play, daemon=True) for run in runs]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(WAKE_SECONDS)
        finally:
            ending.set()
            until = time.monotonic() + SHUTDOWN_SECONDS
            for thread in threads:
                thread.join(max(0.0, until - time.monotonic()))
            for run in runs:
                if run.history.interrupted:
                    run.finish()
