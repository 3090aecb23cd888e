"""Trying again what does not work out yet."""

import threading
import time
from collections.abc import Callable

from todoctl.errors import UnavailableError
from todoctl.targets.base import Step

POLL_SECONDS = 0.2


def wait_until(
    stop: threading.Event, attempt: Callable[[], object], step: Step | None, what: str, seconds: float
) -> None:
    """Until `attempt` raises no `UnavailableError`; raises one after `seconds`, or when the user gives up."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            attempt()
        except UnavailableError as error:
            why = error.why or error.what
        else:
            return
        if step:
            step.update(f"waiting for {what}: {why}")
        if stop.wait(POLL_SECONDS) or time.monotonic() > deadline:
            raise UnavailableError(
                f"Nothing from {what} within {seconds:g} s",
                why=why,
                fix="See 'todoctl doctor' and 'todoctl status'; then run 'todoctl up' again",
            )
