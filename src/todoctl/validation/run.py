"""A run: the scenarios played one after the other, and the history judged as it grows."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from todoctl.errors import TodoctlError
from todoctl.evidence.history import History, Play
from todoctl.evidence.verdict import Outcome, ScenarioResult
from todoctl.validation.actor import REPLACED
from todoctl.validation.judge.results import judge
from todoctl.validation.scenarios import Scenario, proves
from todoctl.validation.stage import Stage

TRIES = 4
"""How often a scenario is played at most, where its situation did not come about."""


class Audience(Protocol):
    """Who watches a run."""

    def expect(self, plan: Sequence[tuple[str, float]]) -> AbstractContextManager[None]:
        """Around the run: the names of its scenarios, and how many seconds each may take."""
        ...

    def scenario(self, name: str, title: str) -> AbstractContextManager[Callable[[str], None]]:
        """Around each scenario; what it gives is told what is being waited for."""
        ...

    def finished(self, result: ScenarioResult) -> None:
        """A scenario's outcome."""
        ...


def run(stage: Stage, scenarios: Sequence[Scenario], audience: Audience) -> None:
    """Plays `scenarios` into the stage's history."""
    start = stage.target.start_seconds
    plan = [(scenario.name, scenario.starts * start + scenario.seconds) for scenario in scenarios]
    with audience.expect(plan):
        for scenario in scenarios:
            with audience.scenario(scenario.name, scenario.title) as stage.waiting:
                result = _play(stage, scenario)
            audience.finished(result)


def _play(stage: Stage, scenario: Scenario) -> ScenarioResult:
    """Plays one scenario, again while its situation does not come about."""
    began = time.time()
    stage.visitors.scenario = scenario.name
    claims = proves(scenario, full=stage.full)
    slowness = stage.slowness
    for attempt in range(1, TRIES + 1):
        error = ""
        try:
            stage.watch()
            scenario.play(stage)
            stage.rest()
        except TodoctlError as problem:
            error, stage.upset = str(problem), True
        finally:
            replaced = stage.note_disturbance()
            stage.note_downloads()
            play = Play(
                name=scenario.name,
                title=scenario.title,
                proves=claims,
                tries=attempt,
                begin=began,
                end=time.time(),
                error=error or (REPLACED if replaced else ""),
            )
            stage.history.ended_at = play.end
            if attempt > 1:
                stage.history.plays.pop()
            stage.history.plays.append(play)
        result = _result(stage.history, scenario.name)
        if replaced:
            continue
        if result.outcome is not Outcome.NOT_JUDGED or error:
            break
        stage.slow_down()
    else:
        stage.slowness = slowness  # more time did not help
    return result


def _result(history: History, name: str) -> ScenarioResult:
    return next(result for result in judge(history).scenarios if result.name == name)
