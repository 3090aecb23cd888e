"""Page views, one after the other, over all processes on the volume.

`Cache.view` is one page view from its begin to its end. What it decides is `policy`'s, what it saves
`store`'s. Views that come at about the same time share one turn: one lock, one load, one save (group
commit). Those that need a new picture share one fetch and wait for it, but not longer than
`policy.PATIENCE`. While the volume is away everything goes on in memory.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from typing import NamedTuple

from todoapp import policy
from todoapp.policy import State
from todoapp.source import FetchError, Source, identify, one_line
from todoapp.store import Found, Store

REFRESH_POLL = 0.02
"""Seconds between two looks whether another process has finished its fetch."""

VOLUME_SECONDS = 3.0
"""After which a volume that does not answer counts as away."""

log = logging.getLogger(__name__)


class Ask(Enum):
    """What a visitor asks of a turn."""

    LOOK = auto()  # the state; nobody's page view
    VIEW = auto()  # a page view
    LATE_VIEW = auto()  # one that cannot wait any more


Asked = Ask | bytes | FetchError
"""What a turn has to do; the outcome of a fetch is for all who ask after it."""


class View(NamedTuple):
    """What one page view shows: the state as after it, and its time in epoch seconds."""

    state: State
    at: float


class Cache:
    """The picture, its state and the page views of this process; `ttl` in seconds."""

    def __init__(
        self, store: Store, source: Source, ttl: float, clock: Callable[[], float] = time.time
    ) -> None:
        self.ttl = ttl
        self.clock = clock
        self.held = Found()
        """The state and the picture's bytes, both of one moment."""
        self._store = store
        self._source = source
        self._volume_error: str | None = None
        self._queue: list[tuple[Asked, asyncio.Future[View | None]]] = []
        self._turns: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._fetched_elsewhere = False
        self._thread = ThreadPoolExecutor(1, "volume")  # a disk may hang, the event loop must not
        self._hanging: asyncio.Future[list[View | None]] | None = None

    @property
    def last_error(self) -> str | None:
        """What is wrong now with the volume, the saved state or the image service, in one line."""
        return self.error_of(self.held.state)

    def error_of(self, state: State) -> str | None:
        """What is wrong with the volume or the saved state now, and with the image service as of `state`."""
        fetch_error = state.fetch_error
        image_service = f"image service: {fetch_error}" if fetch_error else None
        return "; ".join(filter(None, (self._volume_error, image_service))) or None

    async def start(self) -> None:
        """Takes up what lies on the volume; where that is no picture, begins to fetch one."""
        await self.look()
        # Where the volume could not be read there may be a picture, which is not to be replaced.
        if self.held.state.picture is None and self._store.loaded:
            self._refresh_once()

    async def view(self) -> View:
        """Counts and saves one page view, and returns what it shows."""
        patience_ends = time.monotonic() + policy.PATIENCE
        while True:
            left = patience_ends - time.monotonic()
            view = await self._ask(Ask.VIEW if left > 0 else Ask.LATE_VIEW)
            if view is not None:
                return view
            # The picture is due for renewal. All who come here wait for the same fetch.
            await asyncio.wait([self._refresh_once()], timeout=max(left, 0))

    async def look(self) -> View:
        """Returns the state with what other processes made of it; nobody's page view."""
        view = await self._ask(Ask.LOOK)
        assert view is not None, "only a page view has to wait"  # noqa: S101
        return view

    async def close(self) -> None:
        """Stops fetching, and saves what could not be saved before if that is possible now."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])
        await self.look()
        self._thread.shutdown(wait=False)

    # Turns: who asks is answered together with all who ask at about the same time.

    async def _ask(self, ask: Asked) -> View | None:
        answer: asyncio.Future[View | None] = asyncio.get_running_loop().create_future()
        self._queue.append((ask, answer))
        if self._turns is None:
            self._turns = asyncio.create_task(self._take_turns())
        return await answer

    async def _take_turns(self) -> None:
        while self._queue:
            for _ in range(3):  # what arrives meanwhile shares the turn; else two groups would alternate
                await asyncio.sleep(0)
            queue, self._queue = self._queue, []
            answers = [answer for _, answer in queue]
            try:
                views = await self._turn([ask for ask, _ in queue])
            except Exception as error:  # noqa: BLE001 - it is raised where the answer is awaited
                for answer in answers:
                    if not answer.done():
                        answer.set_exception(error)
            else:
                for answer, view in zip(answers, views, strict=True):
                    if not answer.done():  # who asked may have left
                        answer.set_result(view)
        self._turns = None

    async def _turn(self, asks: list[Asked]) -> list[View | None]:
        if self._hanging is None or self._hanging.done():
            given = list(asks)
            turn = asyncio.get_running_loop().run_in_executor(self._thread, self._turn_on_volume, given)
            await asyncio.wait([turn], timeout=VOLUME_SECONDS)
            if turn.done():
                return turn.result()
            self._hanging = turn
            given.clear()  # nobody is counted again when it goes on
        self._note_away(f"does not answer within {VOLUME_SECONDS:g} s")
        return self._decide(asks)

    def _turn_on_volume(self, asks: list[Asked]) -> list[View | None]:
        """In the volume's thread: loads what others did, decides for each in turn, saves once."""
        views = None
        try:
            with self._store.locked():
                self._reload()
                views = self._decide(asks)
                self._store.save(self.held)
            self._note(self._store.found.damage)
        except OSError as error:
            if views is None:  # not even read; what lies there when it is back is taken as it is
                self._store.forget()
                views = self._decide(asks)
            self._note_away(error.strerror or type(error).__name__)
        return views

    def _reload(self) -> None:
        ours, known = self.held, self._store.found
        found = self._store.load()
        if found is known:
            return
        lost = not found.saved or (ours.content is not None and found.content is None)
        if lost and ours.state != State():  # files vanished or were damaged: put back what is known
            count = max(ours.state.access_count, found.state.access_count)
            self.held = Found(state=ours.state._replace(access_count=count), content=ours.content)
        else:
            self.held = found
        picture = self.held.state.picture
        if picture and picture != ours.state.picture:
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.held.state.downloaded_at))
            log.info("picture on the volume: %s, downloaded at %s", picture, at)

    def _decide(self, asks: list[Asked]) -> list[View | None]:
        """What the policy makes of each ask; None for a page view that needs a new picture first."""
        now = self.clock()
        refreshing = self._refreshing is not None or self._fetched_elsewhere
        before = state = policy.clamped(self.held.state, now)
        content = self.held.content
        views: list[View | None] = []
        for ask in asks:
            after: State | None = state
            if isinstance(ask, bytes):
                if picture := identify(ask):
                    after, content = policy.fetched(state, picture, now), ask
            elif isinstance(ask, FetchError):
                after = policy.failed(state, str(ask), now, ask.retry_after)
            elif ask in {Ask.VIEW, Ask.LATE_VIEW}:
                after = policy.view(state, now, self.ttl, late=ask is Ask.LATE_VIEW, refreshing=refreshing)
            views.append(View(after, now) if after else None)
            state = after or state
        if state is not before:  # a look changes nothing
            self.held = Found(state=state, content=content)
        return views

    def _note_away(self, reason: str) -> None:
        self._note(one_line(f"volume {self._store.directory}: {reason}; going on in memory meanwhile"))

    def _note(self, problem: str | None) -> None:
        """Logs what is wrong with the volume when that changes, and remembers it."""
        if problem != self._volume_error:
            if problem:
                log.warning("%s", problem)
            else:
                log.info("the volume %s is well again", self._store.directory)
        self._volume_error = problem

    # The fetch that all who wait share.

    def _refresh_once(self) -> "asyncio.Task[None]":
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh())
        return self._refreshing

    async def _refresh(self) -> None:
        """Fetches a new picture, unless another process is at it or has done so; then it is asked again."""
        loop = asyncio.get_running_loop()
        try:
            right = await loop.run_in_executor(self._thread, self._store.refresh_lock)
            self._fetched_elsewhere = right is None
            if right is None:
                await asyncio.sleep(REFRESH_POLL)
                return
            with right:
                state, now = await self.look()
                if policy.must_fetch(state, now, self.ttl):
                    await self._fetch()
        finally:
            self._refreshing = None

    async def _fetch(self) -> None:
        state = self.held.state
        why = "the grace view is spent" if state.picture else "there is no picture yet"
        before = f", {state.failures} failed before" if state.failures else ""
        log.info("fetching a new picture: %s%s", why, before)
        try:
            content = await self._source(state.picture.sha256 if state.picture else None)
        except Exception as error:  # noqa: BLE001 - whatever it is, visitors get their page
            failure = error if isinstance(error, FetchError) else FetchError(one_line(error))
            await self._ask(failure)
            log.warning("no new picture: %s; not trying again for %g s", failure, self.held.state.retry_after)
        else:
            await self._ask(content)
            log.info("new picture: %s", self.held.state.picture)
