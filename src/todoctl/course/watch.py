"""One app, watched for the life of a picture: visits, waits, the restart. Nothing is judged here."""

import shlex
import threading
import time
from collections.abc import Callable
from math import inf, isinf

from todoctl.course import command, lifetimes, volume
from todoctl.course.browser import BrowserVisitor
from todoctl.course.options import CourseOptions
from todoctl.course.plan import Plan
from todoctl.course.sightings import Life, lives
from todoctl.course.visitor import HttpVisitor, NoPicture, Visitor
from todoctl.errors import TodoctlError
from todoctl.evidence.history import Act, Facts, History, Op, Play, Volume
from todoctl.evidence.verdict import ScenarioResult
from todoctl.validation.claims import COURSE

TRIES = 3
"""How often a picture's age is taken anew, where one went that may just have been old."""

RESTART_SECONDS = 300.0
VIEW_SECONDS = 0.2
"""Between two page views during a restart."""

CALM_SECONDS = 3.0
"""How long every page view is answered before a restart is taken for done."""

Tell = Callable[[str, str, float], None]
"""Shows of which address what is being done, and when (epoch seconds) the run should be at its end."""


class InterruptedVisits(Exception):  # noqa: N818 - the user has ended the run
    """Ctrl-C: nothing more is visited."""


class Watch:
    """Visits one app; all that is seen goes into `history`, also where something fails."""

    def __init__(self, options: CourseOptions, plan: Plan, tell: Tell, ending: threading.Event) -> None:
        self.options, self._plan, self._tell, self._ending = options, plan, tell, ending
        facts = Facts(
            target="url",
            kind="claims",
            url=options.url,
            ttl=options.ttl,
            source="",
            directory=str(options.volume or shlex.join(options.volume_exec)),
            rolling=False,
            full=True,
            began_at=time.time(),
        )
        self.history = History(facts=facts, interrupted=True)
        self.errors: dict[str, str] = {}
        self._http = HttpVisitor(options.url, self.history, image=options.image)
        self._visitor: Visitor = self._http
        self._number = 0
        self._looks = 0
        self._last = self._takes = 0.0
        self._end = inf

    def run(self) -> None:
        """The whole run. Never raises: what goes wrong is told by the claims that could not be judged."""
        try:
            self._watch()
            self.history.interrupted = False
        except InterruptedVisits:
            pass
        except Exception as error:  # noqa: BLE001 - other apps are watched beside this one
            self.history.interrupted = self._ending.is_set()  # a Ctrl-C ends a browser, too
            why = " ".join(str(error).split()) or type(error).__name__
            self.errors["shown"] = why if isinstance(error, TodoctlError) else f"Unexpected: {why}"
        finally:
            self._visitor.close()
            self._http.close()
            self.finish()

    def finish(self) -> None:
        """Notes how the run stands: the claims that count, and why some could not be judged."""
        self.history.ended_at = time.time()
        acts = [event for event in self.history.events if isinstance(event, Act)]
        if self.options.restart and not acts:
            self.errors.setdefault("restart", "the run did not come to the restart")
        if (self.options.volume or self.options.volume_exec) and not self._looks:
            self.errors.setdefault("files", "the run did not come to a look at the volume")
        began = self.history.facts.began_at
        self.history.plays = [
            Play(
                name=name,
                title=sentence,
                proves=[key] if name in self.options.counted else [],
                tries=1,
                begin=began,
                end=began,
                error=self.errors.get(name, ""),
            )
            for key, sentence in COURSE.items()
            for name in [key.partition(".")[2]]
        ]

    def _watch(self) -> None:
        life = self._meet()
        if life is None:
            return
        for _ in range(0 if self._early() else TRIES):
            if self._live(life):
                self._expire()
            if self._early() or self._known():
                break
            life = lives(self.history)[-1]
        if self.options.restart:
            self._restart()

    def _meet(self) -> Life | None:
        """The first visits; None where they show no picture."""
        for number, wait in enumerate(self._plan.first_pictures):
            if number >= 3 and self._shown():
                break
            self._wait(time.time() + wait, "first visits")
            self._visit("shown")
        if self._shown():
            self._look()
        if self._early():
            self._visit("shown")  # another picture at every view?
        found = lives(self.history)
        return found[-1] if found else None

    def _shown(self) -> bool:
        return bool(lives(self.history))

    def _early(self) -> bool:
        """Whether a picture went before its time without doubt: no use in waiting for an expiry."""
        return bool(lifetimes.early(self.history))

    def _known(self) -> bool:
        """Whether an expiry has shown all that it can show."""
        found, result = lifetimes.expiry(self.history), ScenarioResult(name="stays", title="")
        lifetimes.stays(self.history, result)
        return bool(result.checks) and found is not None and not found.doubtful

    def _live(self, life: Life) -> bool:
        """Visits until the picture is surely too old; False where it went before that."""
        self._end = life.born.hi + self._plan.whole()
        known = "" if not isinf(life.born.lo) else "; its age is not known, so it may have to be done twice"
        for moment in self._plan.looks(time.time(), life.born, self._takes):
            self._wait(moment, f"waiting while the picture is valid{known}")
            self._visit("stays")
            if lives(self.history)[-1].picture != life.picture:
                return False
        self._wait(self._plan.after_expiry(life.born), "waiting for the expiry")
        return True

    def _expire(self) -> None:
        """The visits after the expiry: the grace view, the new picture, or how late that comes."""
        expired, old = time.time(), lives(self.history)[-1].picture
        self._visit("grace")
        moments = [0.0, 0.0, *(expired + late for late in self._plan.late)]
        for moment in moments:
            if lives(self.history)[-1].picture != old:
                break
            self._wait(moment, "waiting for a new picture")
            self._visit("renews")
        self._look()
        self._visit("renews")

    def _restart(self) -> None:
        """The restart under page views, then a visit."""
        before = time.time()
        ending = threading.Event()
        self._tell(self.options.url, f"restarting: {shlex.join(self.options.restart)}", self._end)
        views = threading.Thread(target=self._stream, args=(ending,), daemon=True)
        views.start()
        try:
            command.run(list(self.options.restart), seconds=RESTART_SECONDS)
            self._settle()
        except TodoctlError as error:
            self.errors["restart"] = str(error)
        finally:
            ending.set()
            views.join()
            ttl = self.options.ttl
            self.history.events.append(
                Act(begin=before, end=time.time(), scenario="restart", what=Op.RESTART, ttl=ttl)
            )
        self._visit("restart")
        self._look()
        self._visit("restart")

    def _stream(self, ending: threading.Event) -> None:
        while not ending.is_set():
            self._http.view(self._next(), "restart", crowd="during the restart")
            ending.wait(VIEW_SECONDS)

    def _settle(self) -> None:
        """Until the page has been there for a while."""
        began = time.time()
        calm = max(CALM_SECONDS * self._plan.scale, 3 * VIEW_SECONDS)
        while (now := time.time()) - began < self._plan.most_settling:
            recent = [event for event in self.history.pages() if event.begin > now - calm]
            answered = bool(recent) and all(event.answer and event.answer.status == 200 for event in recent)
            if answered and now - began >= self._plan.settling:
                return
            self._wait(now + VIEW_SECONDS, "waiting until the restart is done")

    def _visit(self, phase: str) -> None:
        """One visit, and a look at the volume where it shows a new picture: the file has the time."""
        before = len(lives(self.history))
        self._come(phase)
        self._takes = max(self._takes, time.time() - self._last)
        if len(lives(self.history)) > before:
            self._look()

    def _come(self, phase: str) -> None:
        """A visit, a pace after the last one; by a browser from where the HTML has no picture."""
        self._wait(self._last + self._plan.pace)
        self._last = time.time()
        try:
            self._visitor.visit(self._next(), phase)
        except NoPicture:
            if not self._shown():  # a page that has had a picture shows an error now
                self._visitor = BrowserVisitor(self.options.url, self.history)
                self._wait(self._last + self._plan.pace, "visiting with a browser")
                self._last = time.time()
                self._visitor.visit(self._next(), phase)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _look(self) -> None:
        """The files on the volume, if they can be seen."""
        if not (self.options.volume or self.options.volume_exec) or "files" in self.errors:
            return
        began = time.time()
        try:
            files = (
                volume.read(self.options.volume, self.history)
                if self.options.volume
                else volume.listed(list(self.options.volume_exec))
            )
        except TodoctlError as error:
            self.errors["files"] = str(error)
            return
        self._looks += 1
        phase = self.history.events[-1].scenario
        self.history.events.append(
            Volume(
                begin=began,
                end=time.time(),
                scenario=phase,
                seen_from=self.history.facts.directory,
                look=self._looks,
                files=files,
            )
        )

    def _wait(self, moment: float, doing: str = "") -> None:
        """Until a moment; raises `InterruptedVisits` where the run is ended meanwhile."""
        left = moment - time.time()
        if left > 60:
            self._visitor.rest()
        if doing:
            self._tell(self.options.url, doing, self._end)
        if self._ending.wait(max(left, 0.0)):
            raise InterruptedVisits
