"""What only shows when every step is chosen: order, waiting, and errors that nobody foresaw."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.image_service import png
from todoapp import policy
from todoapp.cache import Cache, View
from todoapp.store import Store

TTL = 100.0


class Service:
    """An image service that answers when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answers: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    async def __call__(self, shown: str | None) -> bytes:
        """The next answer, however long it takes."""
        self.asked.set()
        answer = await self.answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer


def run(directory: Path, scene: Callable[[Cache, Service], Awaitable[None]]) -> None:
    """Play a scene with a cache on `directory`, within a deadline."""

    async def main() -> None:
        service = Service()
        cache = Cache(Store(directory), service, TTL)
        async with asyncio.timeout(60):
            await scene(cache, service)
            await cache.close()

    asyncio.run(main())


def status(view: View) -> str:
    return policy.status(view.state, view.at, TTL)


def test_visitors_are_counted_in_their_order(tmp_path: Path) -> None:
    async def scene(cache: Cache, service: Service) -> None:
        service.answers.put_nowait(png(1))
        views = await asyncio.gather(*(cache.view() for _ in range(50)))
        assert [view.state.access_count for view in views] == list(range(1, 51))
        assert {status(view) for view in views} == {"valid"}

    run(tmp_path, scene)


def test_an_unforeseen_error_of_the_source_is_a_failed_fetch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(cache: Cache, service: Service) -> None:
        service.answers.put_nowait(ZeroDivisionError("what?"))
        assert status(await cache.view()) == "empty"
        assert cache.last_error == "image service: what?"
        assert (await cache.view()).state.access_count == 2

    run(tmp_path, scene)
    assert "what?" in caplog.text


def test_an_unforeseen_error_of_the_store_leaves_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(cache: Cache, service: Service) -> None:
        unhandled = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))

        def broken(_: Store) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(Store, "load", broken)
            leaving = asyncio.create_task(cache.view())
            await asyncio.sleep(0)
            leaving.cancel()
            views = await asyncio.gather(cache.view(), cache.view(), return_exceptions=True)
        assert [type(view) for view in views] == [ZeroDivisionError] * 2
        service.answers.put_nowait(png(1))
        assert (await cache.view()).state.access_count == 1

    run(tmp_path, scene)


def test_who_comes_during_a_turn_that_fails_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(cache: Cache, _: Service) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        begun, goes_on = threading.Event(), threading.Event()

        def broken(_: Store) -> None:
            begun.set()
            goes_on.wait(10)
            raise ZeroDivisionError

        monkeypatch.setattr(Store, "load", broken)
        first = asyncio.create_task(cache.view())
        await asyncio.to_thread(begun.wait, 10)
        second = asyncio.create_task(cache.view())
        await asyncio.sleep(0)
        goes_on.set()
        seen = await asyncio.wait_for(asyncio.gather(first, second, return_exceptions=True), 10)
        assert [type(view) for view in seen] == [ZeroDivisionError] * 2
        monkeypatch.undo()

    run(tmp_path, scene)


def test_a_visitor_who_leaves_while_waiting(tmp_path: Path) -> None:
    async def scene(cache: Cache, service: Service) -> None:
        leaving = asyncio.create_task(cache.view())
        await service.asked.wait()
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        service.answers.put_nowait(png(1))
        view = await cache.view()
        assert status(view) == "valid"

    run(tmp_path, scene)


def test_three_visitors_share_one_fetch_and_wait_no_longer_than_their_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(cache: Cache, service: Service) -> None:
        waiting = [asyncio.create_task(cache.view()) for _ in range(3)]
        await service.asked.wait()
        service.answers.put_nowait(png(1))
        views = await asyncio.gather(*waiting)
        assert [status(view) for view in views] == ["valid"] * 3
        assert [view.state.image_access_count for view in views] == [1, 2, 3]
        assert service.answers.empty()

    async def late(cache: Cache, service: Service) -> None:
        assert status(await cache.view()) == "empty"
        assert cache.last_error == "image service: no answer within 0.05 s, still waiting for it"
        assert status(await cache.view()) == "empty"  # at once: it is known to be slow
        service.answers.put_nowait(png(1))
        assert cache._refreshing
        await cache._refreshing
        assert status(await cache.view()) == "valid"

    run(tmp_path / "in time", scene)
    monkeypatch.setattr(policy, "PATIENCE", 0.05)
    run(tmp_path / "late", late)


def test_closing_does_not_wait_for_a_fetch_but_for_views(tmp_path: Path) -> None:
    async def scene(cache: Cache, service: Service) -> None:
        service.answers.put_nowait(png(1))
        await cache.view()
        views = [asyncio.create_task(cache.view()) for _ in range(5)]
        await asyncio.sleep(0)
        await cache.close()
        assert [(await view).state.access_count for view in views] == [2, 3, 4, 5, 6]
        cache.__init__(Store(tmp_path), service, TTL)  # type: ignore[misc]
        assert (await cache.look()).state.access_count == 6

    run(tmp_path, scene)
