"""A thread for what may block, one call after the other.

As an executor with one thread, but without its futures, which took a twentieth of a page view.
"""

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

Given = TypeVar("Given")
Result = TypeVar("Result")


class Worker(Generic[Given, Result]):
    """Calls `function` in a thread called `name`."""

    def __init__(self, name: str, function: Callable[[Given], Result]) -> None:
        self._function = function
        self._calls: SimpleQueue[tuple[Given, asyncio.Future[Result]] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def call(self, given: Given) -> Result:
        """What the function makes of `given`. It is called even if nobody waits for that any more."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._calls.put((given, future))
        return await future

    def stop(self) -> None:
        """Make the calls that were asked for, and no other."""
        self._calls.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            given, future = call
            try:
                result = self._function(given)
            except Exception as error:  # noqa: BLE001 - it is raised where the call was made
                future.get_loop().call_soon_threadsafe(_fail, future, error)
            else:
                future.get_loop().call_soon_threadsafe(_finish, future, result)


def _finish(future: "asyncio.Future[Result]", result: Result) -> None:
    if not future.done():  # it may have been cancelled
        future.set_result(result)


def _fail(future: "asyncio.Future[Result]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
