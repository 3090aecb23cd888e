"""The run of one app: when it is visited, for the life of a picture, and several runs side by side.

Nothing is judged here but whether there is more to see. A run goes by a clock, and gets what is done to the
app (restart, look at its files) as functions, so it can be driven by whoever started the app.
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
from todoctl.course.visit import HttpVisitor, Notes, Visited
from todoctl.errors import TodoctlError, UnavailableError
from todoctl.evidence.history import Act, ClockStep, Facts, File, History, Op, Play, Volume
from todoctl.evidence.http import Client, redacted
from todoctl.evidence.verdict import Outcome

MIN_STEP = 0.5
"""Seconds between two looks at the machine's clock that are a step, and not its drift."""

LIVES = 3
"""How many pictures' lives are waited for at most, where one after another leaves something open."""

CALM_SECONDS, MAX_RESTLESS = 3.0, 120.0
"""How long an app must have answered after something was done to it, and how long that is waited for."""

VIEW_SECONDS = 0.2
"""Between two page views during a restart."""

REST_SECONDS = 60.0
"""In a wait that is longer the browser is ended, for the memory it takes."""

SLOW_SECONDS = 1.0
"""A visit that takes longer is said to be what a run waits for."""

SHUTDOWN_SECONDS = 5.0
"""What the visits under way get to end in when the runs are interrupted."""

WAKE_SECONDS = 0.5
"""A Ctrl-C that the system hands to another thread is noticed when this one goes on."""

Tell = Callable[[str, str, float], None]
"""Shows of which address what is being done, and when (epoch seconds) the run should be at its end."""

Operation = Callable[[], Callable[[], bool]]
"""Begins something, and returns what says whether it is over; either raises `TodoctlError` where it fails."""


class InterruptedVisits(Exception):  # noqa: N818 - the user has ended the run
    """Ctrl-C: nothing more is visited."""


class SystemClock:
    """The real time, until `ending` is set."""

    def __init__(self, ending: threading.Event) -> None:
        self._ending, self._began = ending, time.time() - time.monotonic()

    def now(self) -> float:
        """Returns steady epoch seconds: those at the run's begin, plus what has passed since then."""
        return self._began + time.monotonic()

    def wall(self) -> float:
        """Returns epoch seconds by the machine's clock, which may be set at any time."""
        return time.time()

    def wait(self, moment: float) -> None:
        """Waits until `moment` of `now`; raises `InterruptedVisits` where the run is ended meanwhile."""
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

    def can_show(self, name: str) -> bool:
        """Whether what a claim needs is given."""
        return not CLAIMS[name].needs or name in self.acts or (name == "files" and self.look is not None)

    @property
    def counted(self) -> frozenset[str]:
        """The claims that count."""
        return frozenset(self.claims or filter(self.can_show, DEFAULT)) | {"shown"}


class Schedule:
    """When an app that keeps a picture for `ttl` seconds is visited: a short time makes all waits shorter.

    Visits are `pace` seconds apart at least, so that a stranger's app has little to do. They keep `margin`
    from an expiry, so that it is certain on which side they are. `first` are the waits before the first
    visits; the later ones are only made where there is no picture yet. `late` are the seconds after its time
    when a picture is asked for that two visits did not renew.
    """

    def __init__(self, ttl: float) -> None:
        self.ttl = ttl
        self.scale = min(1.0, ttl / 60)
        self.pace = min(1.0, ttl / 20)
        self.margin = min(2.0, ttl / 15)
        self.first = (0.0, self.pace, self.pace, 5 * self.scale, 15 * self.scale)
        self.late = (5 * self.scale, 15 * self.scale, 30 * self.scale)

    def next(self, interval: Interval, now: float, takes: float, *, closely: bool) -> float | None:
        """Returns when to visit while this picture is shown; None where there is nothing more to see.

        Where it is known when it came: after a quarter, a half and three quarters of its time, twice just
        before its end (one view alone may be the grace view of a shorter time), and then when it surely is
        too old, so that the first view after its time is known. Else, or where that is not known well enough
        (`closely`), all the time: whoever sees a picture go knows when the next one came.
        """
        last = interval.views[-1].begin
        soon = last + max(self.pace, takes)
        old = interval.surely_old(self.ttl)
        if old:  # twice, then later and later
            waits = (0.0, 0.0, *self.late)
            return max(soon, old[0].begin + waits[len(old) - 1]) if len(old) <= len(waits) else None
        age = interval.age(now, now)
        expired = now + max(0.0, self.ttl - age.lo) + (0.0 if age.lo > self.ttl else self.margin)
        if isinf(interval.born.lo) or closely:
            step = max(self.pace, takes, self.ttl / 150, min(3 * takes, self.ttl / 100))
            return min(max(last + step, now), max(expired, soon))
        begin, ends = interval.born.hi, now + self.ttl - age.hi - self.margin - 1.5 * takes
        before = ends - max(self.pace, 1.2 * takes)
        for moment in [*(begin + part * (before - begin) for part in (0.25, 0.5, 0.75, 1.0)), ends]:
            if moment >= last + 0.9 * self.pace and moment >= now - 0.5 * self.margin:
                return moment
        return max(expired, soon)


class Run:
    """One app, watched; all that is seen goes into `history`, also where something fails."""

    def __init__(
        self, app: App, clock: SystemClock, tell: Tell = lambda *_: None, client: Client | None = None
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
        self._notes = Notes(self.history, clock.now)
        self._http = HttpVisitor(self._client, self._notes, image=app.image)
        self._browser: BrowserVisitor | None = None
        self._seen = Observations(self.history)
        self._looks = 0
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
            if self._browser:
                self._browser.close()
            self._http.close()
            self.finish()

    def finish(self) -> None:
        """Notes how the run stands: the claims that count, and why some could not be judged."""
        began, self.history.ended_at = self.history.facts.began_at, self._clock.now()
        done = {event.scenario for event in self._seen.disturbances} | ({"files"} if self._looks else set())
        self.history.plays = []
        for name, claim in CLAIMS.items():
            error = self.errors.get(name, "")
            if not self.app.can_show(name):
                error = f"not asked for: {claim.needs} is needed"
            elif claim.needs and not error and name not in done:
                error = f"the run did not come to it: {name}"
            proves = [f"course.{name}"] if name in self.app.counted else []
            play = Play(
                name=name, title=claim.sentence, proves=proves, tries=1, begin=began, end=began, error=error
            )
            self.history.plays.append(play)

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
            visited = self._visit("shown")
            undecided = not self._browser and (number == 0 or not self._seen.intervals)
            if undecided and not self.app.image and visited and (visited.scripts or not visited.pictures):
                self._try_browser(visited.pictures)

    def _try_browser(self, known: Sequence[str]) -> None:
        """Goes on with a browser where that shows a picture which the HTML does not have."""
        try:
            self._browser = BrowserVisitor(
                self.app.url, self._client.reach, self._notes, sandbox=self.app.sandbox
            )
        except UnavailableError:
            if not known:
                raise
            return
        visited = self._visit("shown") or Visited()
        if set(visited.pictures) <= set(known):
            self._browser.close()
            self._browser = None

    def _next(self) -> float | None:
        """When to visit next for what counts and takes time; None: no more."""
        seen, schedule, now = self._seen, self.schedule, self._clock.now()
        if not seen.intervals:
            return None
        interval = seen.intervals[-1]
        takes = self._takes()
        outcomes = {name: judge_claim(seen, name).outcome for name in TIMED & self.app.counted}
        left = [name for name, outcome in outcomes.items() if outcome is Outcome.NOT_JUDGED]
        if outcomes.get("stays") is Outcome.FAILED:
            return now if len(seen.views) < 5 else None  # is it another one at each view?
        if (
            outcomes.get("renews") is Outcome.FAILED
            and not interval.next
            and interval.surely_old(self.app.ttl)
        ):
            return schedule.next(interval, now, takes, closely=False)
        if not left or Outcome.FAILED in outcomes.values() or self._hopeless():
            return interval.views[-1].begin + schedule.pace if len(interval.views) < 2 else None
        alone = schedule.ttl - interval.width - schedule.margin - takes  # what few visits can prove
        closely = "stays" in left and alone < needed(interval, schedule.ttl)
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
        if interval.age(now, now).lo > self.app.ttl:
            return "renews" if interval.surely_old(self.app.ttl) else "grace"
        return "renews" if interval.before and len(interval.views) == 1 else "stays"

    def _doing(self) -> str:
        interval, takes = self._seen.intervals[-1], self._takes()
        slow = f"; a visit takes {takes:.1f} s" if takes > SLOW_SECONDS else ""
        if interval.surely_old(self.app.ttl):
            return f"waiting for a new picture{slow}"
        unknown = isinf(interval.born.lo)
        known = "; its age is not known, so it may have to be done twice" if unknown else ""
        return f"waiting while the picture is valid{known}{slow}"

    def _act(self, name: str) -> None:
        """Does something to the app under page views, then visits; twice if the picture's age was unknown."""
        for _ in range(2):
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
            if name in self.errors or judge_claim(self._seen, name).outcome is not Outcome.NOT_JUDGED:
                return

    def _view(self, name: str) -> bool:
        """One page view while something is done to the app; returns whether it was answered well."""
        self._notes.begin(name, crowd=f"during the {name}")
        got = self._http.view()
        self._wait(self._clock.now() + VIEW_SECONDS)
        return got.status == 200 and not got.error

    def _settle(self, name: str) -> None:
        """Views the page until it has been answered for a while."""
        calm = max(CALM_SECONDS * self.schedule.scale, 3 * VIEW_SECONDS)
        until = self._clock.now() + MAX_RESTLESS * self.schedule.scale
        since = self._clock.now()
        while self._clock.now() < min(since + calm, until):
            if not self._view(name):
                since = self._clock.now()

    def _visit(self, phase: str) -> Visited | None:
        """One visit, at the pace, and a look at the volume where it shows a new picture."""
        before = len(self._seen.intervals)
        self._wait(self._last + self.schedule.pace)
        self._last = self._clock.now()
        self._notes.begin(phase)
        visited = (self._browser or self._http).visit()
        self._check_clock()
        self._seen.update()
        if len(self._seen.intervals) > before:
            self._look()
        return visited

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
        volume = Volume(
            begin=begin,
            end=self._clock.now(),
            scenario=self._notes.phase,
            seen_from=self.app.volume,
            look=self._looks,
            files=found,
        )
        self.history.events.append(volume)

    def _wait(self, moment: float, doing: str = "") -> bool:
        """Waits until a moment; returns whether the machine's clock was set meanwhile.

        Raises `InterruptedVisits` where the run is ended.
        """
        if moment - self._clock.now() > REST_SECONDS and self._browser:
            self._browser.close()
        if doing:
            self._tell(self.app.url, doing, self._end)
        self._clock.wait(moment)
        return self._check_clock()

    def _check_clock(self) -> bool:
        """Notes that the machine's clock was set, and returns whether it was."""
        now, ahead = self._clock.now(), self._clock.wall() - self._clock.now()
        was_set = abs(ahead - self._ahead) > MIN_STEP
        if was_set:
            phase = self._notes.phase or "shown"
            step = ClockStep(begin=self._checked, end=now, scenario=phase, by=ahead - self._ahead)
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
