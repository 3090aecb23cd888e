"""Page views, one after the other, over all processes on the volume.

Views queue up. One turn at a time, in a thread of its own, takes the volume's lock, reads what
others did, applies the policy for everyone who waits, and saves once; then all are answered (group
commit). Those who need a new picture wait a while for the one fetch that goes out. A start without any
picture sends one out before anyone needs it. Where the volume cannot be read or written, everything
goes on in memory, and is merged with what lies there as soon as that works again.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from todoapp import policy
from todoapp.fetch import FetchError, Source
from todoapp.picture import identify
from todoapp.policy import Patience, State
from todoapp.store import Found, Store
from todoapp.worker import Worker

GATHER_ROUNDS = 3
"""Rounds of the event loop before a turn: the requests that arrive meanwhile share its commit. Without
them, under load two groups would alternate, and each would wait for the other's disk write."""

REFRESH_POLL = 0.02
"""Seconds between two looks whether another process has finished its fetch."""

log = logging.getLogger(__name__)


class View(NamedTuple):
    """What one page view shows: the state as after it, and its time in epoch seconds."""

    state: State
    at: float


class Visit:
    """A page view on its way: `seen` will be what it shows."""

    __slots__ = ("patience", "seen")

    def __init__(self) -> None:
        self.seen: asyncio.Future[View] = asyncio.get_running_loop().create_future()
        self.patience = Patience.FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What is to be done in one go: a fetch's outcome first, then the page views in their order."""

    visits: list[Visit]
    refreshing: bool = False
    content: bytes | None = None
    failure: FetchError | None = None


class Cache:
    """The picture, its state and the page views of this process; `ttl` in seconds."""

    def __init__(
        self, store: Store, source: Source, ttl: float, clock: Callable[[], float] = time.time
    ) -> None:
        self.ttl = ttl
        self.clock = clock
        self._store = store
        self._source = source
        self._held = Found()
        self._volume_error: str | None = None
        self._arrived: list[Visit] = []
        self._waiting: list[Visit] = []
        self._committing: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._worker = Worker("turns", self._turn)

    @property
    def held(self) -> Found:
        """The state and the picture's bytes, both of one moment."""
        return self._held

    @property
    def last_error(self) -> str | None:
        """What is wrong now with the volume, the saved state or the image service, in one line."""
        fetch_error = self._held.state.fetch_error
        image_service = f"image service: {fetch_error}" if fetch_error else None
        return "; ".join(filter(None, (self._volume_error, image_service))) or None

    async def start(self) -> None:
        """Take up what lies on the volume; where that is no picture, begin to fetch one."""
        state = (await self.look()).state
        # Where the volume could not be read there may be a picture, which is not to be replaced.
        if state.picture is None and self._store.loaded:
            self._begin_refresh(prefetch=True)

    async def view(self) -> View:
        """One page view: counted, saved wherever that is possible, and answered soon."""
        visit = Visit()
        self._arrive(visit)
        return await visit.seen

    async def look(self) -> View:
        """The state with what other processes made of it; nobody's page view."""
        await self._take(Turn(visits=[]))
        now = self.clock()
        return View(state=policy.settled(self._held.state, now), at=now)

    async def look_again(self) -> None:
        """Take note of a picture that another process has replaced. Costs one `stat` if none."""
        if self._volume_error is None and self._store.picture_changed():
            await self.look()

    async def close(self) -> None:
        """Stop fetching, and save what could not be saved before if that is possible now."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])
        while self._committing is not None:
            await asyncio.wait([self._committing])
        await self.look()
        self._worker.stop()

    # The event loop's side: who waits for what.

    def _arrive(self, visit: Visit) -> None:
        self._arrived.append(visit)
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit())

    async def _commit(self) -> None:
        try:
            while self._arrived:
                for _ in range(GATHER_ROUNDS):
                    await asyncio.sleep(0)
                visits, self._arrived = self._arrived, []
                await self._take(Turn(visits=visits, refreshing=self._refreshing is not None))
        finally:  # a turn that has failed leaves those behind who came during it
            self._committing = asyncio.create_task(self._commit()) if self._arrived else None

    async def _take(self, turn: Turn) -> None:
        """Take a turn and answer its visits, or let them wait for a fetch."""
        try:
            views = await self._worker.call(turn)
        except Exception as error:
            for visit in turn.visits:  # not one of them may wait for ever
                if not visit.seen.done():
                    visit.seen.set_exception(error)
            raise
        for visit, view in zip(turn.visits, views, strict=True):
            if view is None:
                self._await_fetch(visit)
            elif not visit.seen.done():  # it may have been cancelled
                visit.seen.set_result(view)

    def _await_fetch(self, visit: Visit) -> None:
        if visit.patience is Patience.FRESH:
            visit.patience = Patience.WAITING
            asyncio.get_running_loop().call_later(policy.PATIENCE, self._release, visit)
        elif visit.patience is Patience.SPENT:  # since this turn began
            self._arrive(visit)
            return
        self._waiting.append(visit)
        self._begin_refresh()

    def _release(self, visit: Visit) -> None:
        """Let a visitor wait no longer."""
        visit.patience = Patience.SPENT
        if visit in self._waiting:
            self._waiting.remove(visit)
            self._arrive(visit)

    def _called(self) -> list[Visit]:
        """Those who wait for the fetch, who now take part in a turn."""
        visits, self._waiting = self._waiting, []
        return visits

    def _begin_refresh(self, *, prefetch: bool = False) -> None:
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh(prefetch=prefetch))

    async def _refresh(self, *, prefetch: bool) -> None:
        """Bring a new picture to those who wait, unless another process is at it or has done so.

        With `prefetch`, to whoever may come: one fetch is tried while nobody waits for it, too.
        """
        try:
            while self._waiting or prefetch:
                with self._store.refreshing() as alone:
                    if alone:
                        await self._take(Turn(visits=self._called()))
                        if self._waiting or (prefetch and self._prefetches()):
                            await self._fetch()
                        prefetch = False
                if not alone:
                    if self._held.state.fetch_error:
                        for visit in list(self._waiting):
                            self._release(visit)
                    await asyncio.sleep(REFRESH_POLL)
        finally:
            self._refreshing = None

    def _prefetches(self) -> bool:
        now = self.clock()
        return policy.prefetches(policy.settled(self._held.state, now), now)

    async def _fetch(self) -> None:
        state = self._held.state
        why = "the grace view is spent" if state.picture else "there is no picture yet"
        log.info("fetching a new picture: %s%s", why, _after(state.failures))
        try:
            content = await self._source(state.picture.sha256 if state.picture else None)
        except FetchError as failure:
            await self._take(Turn(visits=self._called(), failure=failure))
            delay = self._held.state.retry_after
            log.warning("no new picture: %s; not trying again for %g s", failure, delay)
        except Exception as error:  # whatever it is, visitors get their page
            log.exception("no new picture")
            unexpected = FetchError(f"unexpected {type(error).__name__}, see the log")
            await self._take(Turn(visits=self._called(), failure=unexpected))
        else:
            await self._take(Turn(visits=self._called(), content=content))
            log.info("new picture: %s", self._held.state.picture)

    # The worker thread's side: one turn.

    def _turn(self, turn: Turn) -> list[View | None]:
        views = None
        try:
            with self._store.locked():
                self._merge()
                views = self._apply(turn)
                self._save()
            self._note(self._store.found.damage)
        except OSError as error:
            views = self._apply(turn) if views is None else views
            reason = error.strerror or type(error).__name__
            self._note(f"volume {self._store.directory}: {reason}; counting in memory meanwhile")
        return views

    def _merge(self) -> None:
        """Take in what lies on the volume now."""
        ours, known = self._held, self._store.found
        found = self._store.load()
        if found is known and ours.state is known.state:
            return
        self._note(found.damage)
        theirs = policy.kept(known.state, found.state)
        state = policy.merged(known.state, ours.state, theirs)
        holders = (found, ours, known)
        content = next(held.content for held in holders if held.state.picture == state.picture)
        self._held = Found(state=state, content=content)
        if state.picture and state.picture != ours.state.picture:
            downloaded_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(state.downloaded_at))
            log.info("picture on the volume: %s, downloaded at %s", state.picture, downloaded_at)

    def _apply(self, turn: Turn) -> list[View | None]:
        """Do in memory what is to be done; None for those who need a new picture first."""
        if not (turn.visits or turn.content or turn.failure):
            return []  # just a look, which changes nothing
        now = self.clock()
        content = self._held.content
        state = policy.settled(self._held.state, now)
        picture = identify(turn.content) if turn.content else None
        if picture:
            content = turn.content
            state = policy.fetched(state, picture, now)
        elif turn.failure:
            state = policy.failed(state, str(turn.failure), now, turn.failure.retry_after)
        views: list[View | None] = []
        for visit in turn.visits:
            after = policy.view(state, now, self.ttl)
            if after is None:
                after = policy.overdue(state, now, visit.patience, refreshing=turn.refreshing)
            views.append(None if after is None else View(after, now))
            state = state if after is None else after
        self._held = Found(state=state, content=content)
        return views

    def _save(self) -> None:
        held, found = self._held, self._store.found
        if held.content is not None and held.state.picture != found.state.picture:
            self._store.replace(held.state, held.content)
        elif held.state != found.state:
            self._store.save(held.state)

    def _note(self, problem: str | None) -> None:
        """Log what is wrong with the volume when that changes, and remember it."""
        if problem != self._volume_error:
            if problem:
                log.warning("%s", problem)
            else:
                log.info("the volume %s is well again", self._store.directory)
        self._volume_error = problem


def _after(failures: int) -> str:
    return f", {failures} failed before" if failures else ""
