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
from dataclasses import dataclass, field
from typing import NamedTuple

from todoapp import policy
from todoapp.policy import State
from todoapp.source import FetchError, Source, identify
from todoapp.store import Found, Store

REFRESH_POLL = 0.02
"""Seconds between two looks whether another process has finished its fetch."""

log = logging.getLogger(__name__)


class View(NamedTuple):
    """What one page view shows: the state as after it, and its time in epoch seconds."""

    state: State
    at: float


@dataclass(slots=True, kw_only=True, eq=False)
class Request:
    """What is asked of a turn: a page view (`late` when it cannot wait any more), the outcome of a fetch, or
    nothing but a look at the state. `answer` will be a `View`, or None for a view that has to wait.
    """

    is_view: bool = False
    late: bool = False
    content: bytes | None = None
    failure: FetchError | None = None
    answer: "asyncio.Future[View | None]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


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
        self._queue: list[Request] = []
        self._turns: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._fetched_elsewhere = False
        self._thread = ThreadPoolExecutor(1, "volume")  # a disk may hang, the event loop must not

    @property
    def held(self) -> Found:
        """The state and the picture's bytes, both of one moment."""
        return self._held

    @property
    def last_error(self) -> str | None:
        """What is wrong now with the volume, the saved state or the image service, in one line."""
        return self.error_of(self._held.state)

    def error_of(self, state: State) -> str | None:
        """What is wrong with the volume or the saved state now, and with the image service as of `state`."""
        fetch_error = state.fetch_error
        image_service = f"image service: {fetch_error}" if fetch_error else None
        return "; ".join(filter(None, (self._volume_error, image_service))) or None

    async def start(self) -> None:
        """Takes up what lies on the volume; where that is no picture, begins to fetch one."""
        await self.look()
        # Where the volume could not be read there may be a picture, which is not to be replaced.
        if self._held.state.picture is None and self._store.loaded:
            self._refresh_once(prefetch=True)

    async def view(self) -> View:
        """Counts and saves one page view, and returns what it shows."""
        patience_ends = time.monotonic() + policy.PATIENCE
        while True:
            left = patience_ends - time.monotonic()
            view = await self._ask(Request(is_view=True, late=left <= 0))
            if view is not None:
                return view
            # The picture is due for renewal. All who come here wait for the same fetch.
            await asyncio.wait([self._refresh_once()], timeout=max(left, 0))

    async def look(self) -> View:
        """Returns the state with what other processes made of it; nobody's page view."""
        view = await self._ask(Request())
        assert view is not None, "only a page view has to wait"  # noqa: S101
        return view

    async def close(self) -> None:
        """Stops fetching, and saves what could not be saved before if that is possible now."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])
        await self.look()
        self._thread.shutdown()

    # Turns: who asks is answered together with all who ask at about the same time.

    async def _ask(self, request: Request) -> View | None:
        self._queue.append(request)
        if self._turns is None:
            self._turns = asyncio.create_task(self._take_turns())
        return await request.answer

    async def _take_turns(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue:
            for _ in range(3):  # what arrives meanwhile shares the turn; else two groups would alternate
                await asyncio.sleep(0)
            requests, self._queue = self._queue, []
            refreshing = self._refreshing is not None or self._fetched_elsewhere
            try:
                views = await loop.run_in_executor(self._thread, self._turn, requests, refreshing)
            except Exception as error:  # noqa: BLE001 - it is raised where the answer is awaited
                for request in requests:
                    if not request.answer.done():
                        request.answer.set_exception(error)
            else:
                for request, view in zip(requests, views, strict=True):
                    if not request.answer.done():  # who asked may have left
                        request.answer.set_result(view)
        self._turns = None

    def _turn(self, requests: list[Request], refreshing: bool) -> list[View | None]:
        """In the volume's thread: load what others did, decide for each in turn, save once."""
        views = None
        try:
            with self._store.locked():
                self._reload()
                views = self._decide(requests, refreshing=refreshing)
                self._save()
            self._note(self._store.found.damage)
        except OSError as error:
            if views is None:  # not even read; what lies there when it is back is taken as it is
                self._store.forget()
                views = self._decide(requests, refreshing=refreshing)
            reason = error.strerror or type(error).__name__
            self._note(f"volume {self._store.directory}: {reason}; going on in memory meanwhile")
        return views

    def _reload(self) -> None:
        ours, known = self._held, self._store.found
        found = self._store.load()
        if found is known:
            return
        lost = not found.saved or (ours.content is not None and found.content is None)
        if lost and ours.state != State():  # files vanished or were damaged: put back what is known
            count = max(ours.state.access_count, found.state.access_count)
            self._held = Found(state=ours.state._replace(access_count=count), content=ours.content)
        else:
            self._held = found
        picture = self._held.state.picture
        if picture and picture != ours.state.picture:
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._held.state.downloaded_at))
            log.info("picture on the volume: %s, downloaded at %s", picture, at)

    def _decide(self, requests: list[Request], *, refreshing: bool) -> list[View | None]:
        """What the policy makes of each request; None for a page view that needs a new picture first."""
        now = self.clock()
        state, content = policy.clamped(self._held.state, now), self._held.content
        views: list[View | None] = []
        for request in requests:
            if request.content and (picture := identify(request.content)):
                state, content = policy.fetched(state, picture, now), request.content
            elif request.failure:
                state = policy.failed(state, str(request.failure), now, request.failure.retry_after)
            elif request.is_view:
                after = policy.view(state, now, self.ttl)
                if after is None:
                    after = policy.overdue(state, now, late=request.late, refreshing=refreshing)
                if after is None:
                    views.append(None)
                    continue
                state = after
            views.append(View(state, now))
        if any(request.is_view or request.content or request.failure for request in requests):
            self._held = Found(state=state, content=content)  # a look changes nothing
        return views

    def _save(self) -> None:
        held, found = self._held, self._store.found
        if held.content is not None and held.state.picture != found.state.picture:
            self._store.replace(held.state, held.content)
        elif held.state != found.state or (found.damage and held is not found):
            self._store.save(held.state)

    def _note(self, problem: str | None) -> None:
        """Logs what is wrong with the volume when that changes, and remembers it."""
        if problem != self._volume_error:
            if problem:
                log.warning("%s", problem)
            else:
                log.info("the volume %s is well again", self._store.directory)
        self._volume_error = problem

    # The fetch that all who wait share.

    def _refresh_once(self, *, prefetch: bool = False) -> "asyncio.Task[None]":
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh(prefetch=prefetch))
        return self._refreshing

    async def _refresh(self, *, prefetch: bool) -> None:
        """Fetches a new picture, unless another process is at it or has done so.

        Where another one is at it, those who wait are to ask again; a `prefetch`, for which nobody waits,
        stays until that one has ended.
        """
        loop = asyncio.get_running_loop()
        try:
            while True:
                right = await loop.run_in_executor(self._thread, self._store.refresh_lock)
                self._fetched_elsewhere = right is None
                if right is not None:
                    with right:
                        state, now = await self.look()
                        if policy.must_fetch(state, now, self.ttl):
                            await self._fetch()
                    return
                await asyncio.sleep(REFRESH_POLL)
                if not prefetch:
                    return
        finally:
            self._refreshing = None

    async def _fetch(self) -> None:
        state = self._held.state
        why = "the grace view is spent" if state.picture else "there is no picture yet"
        before = f", {state.failures} failed before" if state.failures else ""
        log.info("fetching a new picture: %s%s", why, before)
        try:
            content = await self._source(state.picture.sha256 if state.picture else None)
        except Exception as error:  # noqa: BLE001 - whatever it is, visitors get their page
            failure = error
            if not isinstance(failure, FetchError):
                failure = FetchError(f"unexpected {type(error).__name__}: {error}")
            await self._ask(Request(failure=failure))
            log.warning(
                "no new picture: %s; not trying again for %g s", failure, self._held.state.retry_after
            )
        else:
            await self._ask(Request(content=content))
            log.info("new picture: %s", self._held.state.picture)
