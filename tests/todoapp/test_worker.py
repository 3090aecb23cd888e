"""Calls in a thread of their own."""

import asyncio
import threading

import pytest

from todoapp.worker import Worker


def test_calls_are_made_one_after_the_other_in_one_thread() -> None:
    made: list[tuple[int, str]] = []

    def note(number: int) -> int:
        made.append((number, threading.current_thread().name))
        return number * 2

    async def calls() -> list[int]:
        worker = Worker("it", note)
        results = await asyncio.gather(*(worker.call(number) for number in range(5)))
        worker.stop()
        return results

    assert asyncio.run(calls()) == [0, 2, 4, 6, 8]
    assert made == [(number, "it") for number in range(5)]


def test_an_error_is_raised_where_the_call_was_made_and_the_next_one_works() -> None:
    async def calls() -> float:
        worker = Worker("it", (1.0).__truediv__)
        with pytest.raises(ZeroDivisionError):
            await worker.call(0)
        result = await worker.call(2)
        worker.stop()
        return result

    assert asyncio.run(calls()) == 0.5


def test_a_call_that_nobody_waits_for_is_made_all_the_same() -> None:
    may_go_on, made = threading.Event(), []

    def late(number: int) -> None:
        may_go_on.wait(30)
        made.append(number)
        if number == 2:
            raise ValueError(number)

    async def calls() -> None:
        worker = Worker("it", late)
        tasks = [asyncio.create_task(worker.call(number)) for number in (1, 2)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        may_go_on.set()
        await worker.call(3)
        worker.stop()

    asyncio.run(calls())
    assert made == [1, 2, 3]
