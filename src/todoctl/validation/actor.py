"""What is done to the app, and to the volume and the image service that it uses: written down as acts."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from todoctl.errors import TodoctlError, UnavailableError
from todoctl.evidence.history import Act, History, Op
from todoctl.evidence.pages import or_none
from todoctl.settings import Settings
from todoctl.targets.base import ImageService, Target, Way
from todoctl.validation import contents
from todoctl.validation.observer import Observer
from todoctl.validation.visitor import Visitors, streaming

LONG_TTL = 600.5
"""Seconds: no picture expires meanwhile. With a fraction, so that it shows whether that counts."""

REPLACED = "What runs the app was replaced, and not by todoctl"

INSTANT = 0.005
"""Seconds after our last page view for the last one of others: more than is lost by rounding times."""


class Actor(Observer):
    """Acts on the app. `deployed` is what `up` was asked for, `settings` what runs now."""

    def __init__(
        self,
        target: Target,
        visitors: Visitors,
        history: History,
        deployed: Settings,
        service: ImageService | None,
    ) -> None:
        super().__init__(target, visitors, history, service)
        self.full = history.facts.full
        self.settings = replace(deployed, image_url=service.url if service else deployed.image_url)
        self.deployed = deployed
        self.upset = False
        """Whether todoctl itself could not do something: the app may not even run any more."""
        self._runs: frozenset[str] | None = None
        """What runs the app, as far as todoctl knows: None while it is being changed."""
        self._sure = 0.0
        """When that was known last (epoch seconds)."""

    def watch(self) -> None:
        """Takes what runs the app now for what todoctl has left there, unless it knows that already."""
        if self._runs is None:
            self._sure = time.time()
            self._runs = self.target.instances()

    def note_disturbance(self) -> bool:
        """Writes down since when it is not known what ran the app, if so; whether others have replaced it.

        An app can end by itself, but its pod is replaced by those who may: a drain, a rollout, a deletion.
        And where an act did not come to its end, what was seen meanwhile may be the act's doing.
        """
        if not self.target.rolling:
            return False
        if self._runs is None:
            self._disturbed("failed", frozenset(), frozenset())
            return False
        with suppress(TodoctlError):
            known, now = self._runs, self.target.instances()
            if now != known:
                self._disturbed("replaced", known, now)
                return True
        return False

    def _disturbed(self, what: str, before: frozenset[str], after: frozenset[str]) -> None:
        self.upset, self._runs = True, None
        self.history.events.append(
            Act(
                begin=self._sure,
                end=time.time(),
                scenario=self.scenario,
                what=Op(what),
                before=sorted(before),
                after=sorted(after),
            )
        )
        self.look_elsewhere()

    def _begin(self) -> tuple[float, frozenset[str]]:
        """The time, and what runs the app; raises `UnavailableError` if others have replaced that."""
        began, running = time.time(), self.target.instances()
        if self.target.rolling and self._runs is not None and running != self._runs:
            raise UnavailableError(
                REPLACED,
                why=f"{', '.join(sorted(running)) or 'nothing'} runs it now",
                fix="Validate when nobody else restarts, deletes or drains it",
            )
        self._sure, self._runs = began, None
        return began, running

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
        if aside and not self.upset:
            self.look_at_log()
        began, before = self._begin()
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
            self.detached = self.upset = False
        self._act(what, began, before, emptied=emptied, stopped=stopped, files=files)
        self.look(since=began)

    def restart(self, *, under_views: bool = False) -> None:
        """Restarts the app the documented way; `under_views` where that leaves no gap."""
        began, before = self._begin()
        with streaming(self.visitors.view, running=under_views and self.target.rolling):
            self.target.restart()
        self._act("restart", began, before)

    def kill(self) -> None:
        """Ends the app without notice, and lets it come back."""
        began, before = self._begin()
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
        self._change("spoil", contents.spoiled(self._files()))

    def _change(self, what: str, files: contents.Files) -> None:
        began, before = self._begin()
        self._put(files)
        self._act(what, began, before, files=files)

    def _put(self, files: contents.Files) -> None:
        for name, content in files.items():
            self.target.volume.put(name, content)

    def _files(self) -> contents.Files:
        """What lies on the volume now."""
        return {file.name: file.content for file in self.target.volume.host().read()}

    def scale(self, number: int) -> None:
        """So many run the app on its one volume, and are asked in turn."""
        began, before = self._begin()
        self.visitors.servers = [self.visitors.url]
        self.visitors.servers = self.target.scale(number)
        self._act("scale", began, before)

    def detach(self) -> None:
        """The volume gets out of the reach of the app that runs."""
        began, before = self._begin()
        self.target.volume.detach()
        self.detached = True
        self._act("detach", began, before)

    def attach(self, views: int, picture: bytes | None = None) -> None:
        """The volume is within reach again, and others have counted `views` there: of `picture`, if any."""
        told = self.look()
        began, before = self._begin()
        last = or_none(told.last_view)
        files = contents.others(self._files(), views, last.hi + INSTANT if last else began, picture)
        time.sleep(INSTANT)
        self._put(files)
        self.target.volume.attach()
        self.detached = False
        self._act("attach", began, before, files=files, views=views)

    def serve(self, way: Way) -> None:
        """How the image service answers from now on."""
        if self.service is not None:
            began = time.time()
            self.service.answer(way)
            self.history.events.append(
                Act(
                    begin=began,
                    end=time.time(),
                    scenario=self.scenario,
                    what=Op.SERVE,
                    source=self.settings.image_url,
                    way=way.value,
                )
            )

    def _act(
        self,
        what: str,
        began: float,
        before: frozenset[str],
        *,
        emptied: bool = False,
        stopped: float | None = None,
        files: contents.Files | None = None,
        views: int = 0,
    ) -> None:
        """Writes down an act that is done."""
        self._runs = self.target.instances()
        act = Act(
            begin=began,
            end=time.time(),
            scenario=self.scenario,
            what=Op(what),
            ttl=self.settings.ttl,
            source=self.settings.image_url,
            emptied=emptied,
            stopped=stopped,
            before=sorted(before),
            after=sorted(self._runs),
            files={
                name: "" if content is None else self.history.keep(content)
                for name, content in (files or {}).items()
            },
            views=views,
        )
        self.history.events.append(act)
        self._sure = act.end
        self.look_elsewhere()
