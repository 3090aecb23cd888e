"""Waiting for resources that are deleted to be gone."""

import time
from collections.abc import Callable

from todoctl.errors import UnavailableError
from todoctl.kube.manifests import Resource
from todoctl.targets.base import Step

POLL_SECONDS = 0.3


def wait(still_there: Callable[[], list[Resource]], step: Step, seconds: float, fix: str) -> None:
    """Until nothing is `still_there`; raises `UnavailableError` with what is after `seconds`."""
    deadline = time.monotonic() + seconds
    while left := still_there():
        names = ", ".join(f"{one['kind']} {one['metadata']['name']}" for one in left)
        step.update(f"waiting for {names} to go")
        if time.monotonic() > deadline:
            raise UnavailableError(
                f"{names} did not go within {seconds:g} s",
                why="something holds it, a finalizer or a pod",
                fix=fix,
            )
        time.sleep(POLL_SECONDS)
