"""`validate`: play the scenarios on what is up, and leave it as it was."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from todoctl.client import Client
from todoctl.errors import UnavailableError
from todoctl.home import make_directory
from todoctl.scenarios import SCENARIOS, Scenario, play
from todoctl.settings import Settings
from todoctl.stage import Stage
from todoctl.target import Progress, Target
from todoctl.verdict import ScenarioResult, Verdict

QUICK_TTL = 4.0
"""Seconds a picture is valid in a quick run: long enough for a few page views on a busy machine."""


class Audience(Protocol):
    """Who watches a run."""

    def scenario(self, scenario: Scenario) -> AbstractContextManager[Callable[[str], None]]:
        """Around each scenario; what it gives is told what is being waited for."""
        ...

    def finished(self, result: ScenarioResult) -> None:
        """A scenario's outcome."""
        ...


def validate(target: Target, audience: Audience, progress: Progress, *, full: bool) -> Verdict:
    """Plays all scenarios; with `full` at the deployed TTL, else at a short one.

    Raises `UnavailableError` where nothing is up. Whatever happens, the volume, the TTL and the app are
    put back on the way out; after a kill, `mend` does that.
    """
    deployed = require_settings(target)
    if not target.instances():
        raise UnavailableError("The app does not run", fix="Run 'todoctl up' first")
    ttl = deployed.ttl if full else QUICK_TTL
    began = time.monotonic()
    verdict = Verdict(
        target=target.name,
        url=deployed.url,
        ttl=ttl,
        source=deployed.image_url,
        began_at=time.time(),
    )
    with Client(f"http://127.0.0.1:{deployed.port}") as client:
        client.state()  # says so in one line where the app does not answer
        begin(target)
        try:
            stage = Stage(target, client, deployed, ttl=ttl)
            verdict.sightings = stage.sightings
            for scenario in SCENARIOS:
                verdict.scenarios.append(perform(scenario, stage, audience))
        finally:
            mend(target, progress)
    verdict.seconds = time.monotonic() - began
    return verdict


def perform(scenario: Scenario, stage: Stage, audience: Audience) -> ScenarioResult:
    """Plays one scenario before `audience`."""
    result = ScenarioResult(name=scenario.name, title=scenario.title, began_at=time.time())
    began = time.monotonic()
    with audience.scenario(scenario) as waiting, stage.playing(result, waiting):
        play(scenario, stage)
    result.seconds = time.monotonic() - began
    audience.finished(result)
    return result


def require_settings(target: Target) -> Settings:
    """What is up; raises `UnavailableError` where nothing is."""
    settings = target.settings()
    if settings is None:
        raise UnavailableError(f"Nothing is up on {target.name}", fix="Run 'todoctl up' first")
    return settings


def begin(target: Target) -> None:
    """Notes that a validation is under way, for `mend` to find."""
    make_directory(target.directory)
    _record(target).touch()


def mend(target: Target, progress: Progress) -> bool:
    """Puts back what a validation set aside, finished or not; False where there is nothing to mend.

    Can itself be interrupted at any point and run again: the record goes last.
    """
    if not is_under_way(target):
        return False
    deployed = target.settings()
    with progress.step("Put the deployed app, its picture and its counts back"):
        target.stop()
        target.put_back()
        if deployed:
            target.start(deployed)
        _record(target).unlink()
    return True


def is_under_way(target: Target) -> bool:
    """Whether a validation is playing on the target, or was killed while it did."""
    return _record(target).exists()


def _record(target: Target) -> Path:
    return target.directory / "validating"
