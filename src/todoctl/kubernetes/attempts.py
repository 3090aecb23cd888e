"""Trying again what does not work out yet."""

import threading
import time
from collections.abc import Callable

from todoctl.errors import UnavailableError
from todoctl.target import Step

POLL_SECONDS = 0.2


def wait_until(
    stop: threading.Event, attempt: Callable[[], object], step: Step | None, what: str, seconds: float
) -> None:
    """Until `attempt` raises no `UnavailableError`; raises one after `seconds`, or when the user gives up."""
    deadline = time.monotonic() + seconds

    def show(why: str) -> None:
        if step:
            step.update(f"waiting for {what}: {why}")

    try:
        persist(stop, attempt, lambda: time.monotonic() > deadline, show)
    except UnavailableError as error:
        raise UnavailableError(
            f"Nothing from {what} within {seconds:g} s",
            why=error.why or error.what,
            fix="See 'todoctl doctor' and 'todoctl status'; then run 'todoctl up' again",
        ) from None


def persist(
    stop: threading.Event,
    attempt: Callable[[], object],
    is_over: Callable[[], bool],
    shown: Callable[[str], None] = lambda _: None,
    *,
    pause: float = POLL_SECONDS,
) -> None:
    """Until `attempt` raises no `UnavailableError`; raises its last one when it is over, or given up.

    `pause` seconds go by between two attempts.
    """
    while True:
        try:
            attempt()
        except UnavailableError as error:
            shown(error.why or error.what)
            if stop.wait(pause) or is_over():
                raise
        else:
            return
