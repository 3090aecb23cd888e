"""Where scenarios play: the app with its volume set aside, visitors, and a history of all that happens.

A stage arranges and waits by what it is told, and judges nothing: what it was told may be wrong.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from todoctl.settings import Settings
from todoctl.target import ImageService, Target, Way
from todoctl.validation import contents
from todoctl.validation.history import Act, History
from todoctl.validation.model.policy import FIRST_WAIT
from todoctl.validation.observer import Observer
from todoctl.validation.visitor import Visitors, streaming

LONG_TTL = 600.5
"""Seconds: no picture expires meanwhile. With a fraction, so that it shows whether that counts."""

BRIEF_TTL = 0.1
"""Seconds: an expiry is soon waited for."""

POLL_SECONDS = 0.03

MARGIN = 0.01
"""Seconds after a moment by which it has surely come."""

LAST_LOOK = 0.04
"""Seconds before an expiry in which a picture is seen to be valid still."""

REST_SECONDS = 0.03
"""After a scenario, for what the app may do behind its visitors' backs."""

SETTLE_SECONDS = 12.0
"""How long to wait for what the app does by itself, above the model's `LATE`."""

INSTANT = 0.005
"""Seconds after our last page view for the last one of others: more than is lost by rounding times."""

UNSPENT = ("valid", "expired")
"""Statuses of a picture whose grace view is still to come."""


class Stage(Observer):
    """One run's means. `ttl` (seconds) is that of the scenarios that wait for an expiry."""

    def __init__(
        self,
        target: Target,
        visitors: Visitors,
        history: History,
        deployed: Settings,
        service: ImageService | None,
        *,
        ttl: float,
    ) -> None:
        super().__init__(target, visitors, history, service)
        self.ttl = ttl
        self.full = history.facts.full
        self.settings = replace(deployed, image_url=service.url if service else deployed.image_url)
        self.deployed = deployed
        self.waiting: Callable[[str], None] = lambda _: None

    # Acting

    def start(
        self,
        ttl: float,
        *,
        emptied: bool = False,
        what: str = "start",
        made: Callable[[contents.Files], contents.Files] | None = None,
    ) -> None:
        """Stops and starts the app, with another TTL or on an empty volume; the user has his back later.

        Files are put there in between, `made` of those that it has left. On a volume of our own the app is
        stopped without notice: nothing that it has there is kept.
        """
        ttl = self.deployed.ttl if self.full else ttl
        aside = self.target.volume.is_set_aside()
        if aside:
            self.look_at_log()
        began, before = time.time(), self.target.instances()
        self.target.stop(at_once=aside)
        stopped = time.time()
        self.note_downloads()
        files = made(self._files()) if made else {}
        if not aside:
            self.target.volume.set_aside()
            emptied = True
        elif emptied:
            self.target.volume.empty()
        self._put(files)
        self.settings = replace(self.settings, ttl=ttl)
        self.target.start(self.settings)
        if emptied:
            self.forget()
            self.detached = False
        self._act(what, began, before, emptied=emptied, stopped=stopped, files=files)
        self.look(since=began)

    def rest(self) -> None:
        """Until the app asks for nothing any more, so that nothing shows in the next scenario only."""
        deadline = time.monotonic() + SETTLE_SECONDS
        time.sleep(REST_SECONDS)
        while self.service and self.service.pending() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        self.look()
        self.look_at_log()

    def slow_down(self) -> None:
        """Twice as much time for what has to happen before an expiry."""
        self.ttl *= 2

    def require(self, ttl: float | None = None) -> None:
        """The app of this run, with this TTL or any."""
        if not self.target.volume.is_set_aside() or self.detached:
            self.start(ttl or self.settings.ttl, emptied=True)
        elif ttl and self.settings.ttl != ttl and not self.full:
            self.start(ttl)

    def restart(self, *, under_views: bool = False) -> None:
        """Restarts the app the documented way; `under_views` where that leaves no gap."""
        began, before = time.time(), self.target.instances()
        with streaming(self.visitors.view, running=under_views and self.target.rolling):
            self.target.restart()
        self._act("restart", began, before)

    def kill(self) -> None:
        """Ends the app without notice, and lets it come back."""
        began, before = time.time(), self.target.instances()
        self.target.kill()
        self._act("kill", began, before)

    def take_over(self) -> None:
        """A start on what the original would have left: its two files, with its own keys alone."""
        self.start(LONG_TTL, what="takeover", made=contents.original)

    def cut_power(self) -> None:
        """A start on what a power cut has left: nobody waited for the last save to reach the disk."""
        self.start(self.settings.ttl, what="cut", made=contents.torn)

    def damage(self, made: Callable[[contents.Files], contents.Files]) -> None:
        """A start on files that are not as documented."""
        self.start(self.settings.ttl, emptied=True, what="damage", made=made)

    def lose_files(self, *names: str) -> None:
        """Files called `names`, or both documented ones, vanish while the app runs."""
        self._change("lose", contents.lost(*names))

    def spoil_files(self) -> None:
        """The documented files are damaged while the app runs."""
        self._change("spoil", contents.cut_short(self._files()))

    def _change(self, what: str, files: contents.Files) -> None:
        began = time.time()
        self._put(files)
        self._act(what, began, self.target.instances(), files=files)

    def _put(self, files: contents.Files) -> None:
        for name, content in files.items():
            self.target.volume.put(name, content)

    def _files(self) -> contents.Files:
        """What lies on the volume now."""
        return {file.name: file.content for file in self.target.volume.host().read()}

    def scale(self, number: int) -> None:
        """So many run the app on its one volume, and are asked in turn."""
        began, before = time.time(), self.target.instances()
        self.visitors.servers = [self.visitors.url]
        self.visitors.servers = self.target.scale(number)
        self._act("scale", began, before)

    def detach(self) -> None:
        """The volume gets out of the reach of the app that runs."""
        began = time.time()
        self.target.volume.detach()
        self.detached = True
        self._act("detach", began, self.target.instances())

    def attach(self, views: int, picture: bytes | None = None) -> None:
        """The volume is within reach again, and others have counted `views` there: of `picture`, if any."""
        told, began = self.look(), time.time()
        last = told.get("last_view")
        files = contents.others(self._files(), views, last.hi + INSTANT if last else began, picture)
        time.sleep(INSTANT)
        self._put(files)
        self.target.volume.attach()
        self.detached = False
        self._act("attach", began, self.target.instances(), files=files, views=views)

    def serve(self, way: Way) -> None:
        """How the image service answers from now on."""
        if self.service is not None:
            began = time.time()
            self.service.answer(way)
            self._act("serve", began, frozenset(), way=way.value)

    def _act(
        self,
        what: str,
        began: float,
        before: frozenset[str],
        *,
        emptied: bool = False,
        stopped: float | None = None,
        way: str = "",
        files: contents.Files | None = None,
        views: int = 0,
    ) -> None:
        act = Act(
            begin=began,
            end=time.time(),
            scenario=self.scenario,
            what=what,
            ttl=self.settings.ttl,
            source=self.settings.image_url,
            emptied=emptied,
            stopped=stopped,
            before=sorted(before),
            after=sorted(self.target.instances()) if not way else [],
            way=way,
            files={
                name: "" if content is None else self.history.keep(content)
                for name, content in (files or {}).items()
            },
            views=views,
        )
        self.history.events.append(act)
        self.look_elsewhere()

    # Arranging

    def wait_for_picture(self) -> None:
        """Until there is one that nobody viewed, as after a start on an empty volume; or for a while."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self.look().get("status") not in UNSPENT and time.monotonic() < deadline:
            self.waiting("waiting for the picture")
            time.sleep(POLL_SECONDS)

    def make_picture(self) -> None:
        """Some picture, whatever its age; an image service that has failed is asked again for a while."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self.look().get("picture") is None and time.monotonic() < deadline:
            self.pause(FIRST_WAIT)
            self.visit()

    def make_valid(self, left: float = 0.5) -> None:
        """A picture that stays valid for the part `left` of the TTL (0 to 1), if the app allows."""
        for _ in range(3):
            valid = self.look().get("status") == "valid"
            if valid and self.fresh and self.fresh.lo + self.settings.ttl * (1 - left) > time.time():
                return
            if valid:
                self.wait_for_expiry()
            self.visit()

    def make_expired(self) -> None:
        """A picture that is too old, with its grace view unspent."""
        for _ in range(3):
            status = self.look().get("status")
            if status == "expired":
                return
            if status == "valid":
                self.wait_for_expiry()
            else:
                self.visit()

    def make_spent(self) -> None:
        """A picture that is too old, with its grace view spent."""
        for _ in range(3):
            if self.look().get("status") in {"grace", "stale"}:
                return
            self.make_expired()
            self.visit()

    def make_late(self) -> None:
        """A picture too late for the visitor who called for it, and viewed by nobody, if others allow."""
        for _ in range(3):
            self.make_spent()
            self.serve(Way.SLOW)
            self.visit()
            self.serve(Way.PICTURE)
            self.wait_for_picture()
            if (told := self.look()).get("status") != "valid" or not told.get("picture_views"):
                return

    def wait_for_expiry(self) -> None:
        """Until the present picture is certainly too old; with a look when it is about to be."""
        self.look_before_expiry()
        if self.fresh is not None:
            self.wait_until(self.fresh.hi + self.settings.ttl + MARGIN)

    def look_before_expiry(self) -> None:
        """Waits until the present picture is about to be too old, and looks whether it is valid still."""
        if self.fresh is not None:
            self.wait_until(self.fresh.lo + self.settings.ttl - max(LAST_LOOK, 0.02 * self.settings.ttl))
            self.look()

    def wait_until(self, moment: float) -> None:
        """Until a moment (epoch seconds, todoctl's clock)."""
        while (left := moment - time.time()) > 0:
            self.waiting(f"{int(left // 60)}:{left % 60:04.1f} to go")
            time.sleep(min(left, 0.1))

    def pause(self, seconds: float) -> None:
        """Lets some time go by."""
        self.wait_until(time.time() + seconds + MARGIN)
