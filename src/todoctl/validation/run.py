"""A run: the scenarios played one after the other, each judged by what was seen in it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from todoctl.errors import TodoctlError
from todoctl.evidence.history import Play
from todoctl.evidence.times import now
from todoctl.evidence.verdict import Outcome, ScenarioResult
from todoctl.validation.checkers import judge, part
from todoctl.validation.driver import Driver
from todoctl.validation.scenarios import Scenario
from todoctl.validation.situations import Situations

TRIES = 4
"""How often a scenario is played at most, where its situation did not come about."""


class Audience(Protocol):
    """Shows how a run goes on."""

    def expect(self, plan: Sequence[tuple[str, float]]) -> AbstractContextManager[None]:
        """Around the run: the names of its scenarios, and how many seconds each may take."""
        ...

    def scenario(self, name: str, title: str) -> AbstractContextManager[Callable[[str], None]]:
        """Around each scenario; what it gives is called with what is being waited for."""
        ...

    def finished(self, result: ScenarioResult) -> None:
        """A scenario's outcome."""
        ...


def run(driver: Driver, scenarios: Sequence[Scenario], audience: Audience) -> None:
    """Plays `scenarios` into the driver's history."""
    start = driver.target.traits.start_seconds
    plan = [(scenario.name, scenario.starts * start + scenario.seconds) for scenario in scenarios]
    arrange = Situations(driver)
    with audience.expect(plan):
        for scenario in scenarios:
            with audience.scenario(scenario.name, scenario.title) as arrange.waiting:
                result = _play(driver, arrange, scenario)
            audience.finished(result)
            # The run has failed: the others are played as well, but no time is lost with what does not come.
            arrange.hurried = arrange.hurried or result.outcome is Outcome.FAILED


def _play(driver: Driver, arrange: Situations, scenario: Scenario) -> ScenarioResult:
    """Plays one scenario, again while its situation does not come about."""
    began, factor = now(), arrange.time_factor
    driver.scenario = scenario.name
    for attempt in range(1, TRIES + 1):
        error = ""
        try:
            driver.watch()
            scenario.play(driver, arrange)
            arrange.rest()
        except TodoctlError as problem:
            error, driver.needs_restart = str(problem), True
        finally:
            driver.note_disturbance()
            driver.note_downloads()
            play = Play(
                name=scenario.name,
                title=scenario.title,
                proves=scenario.claims(full=driver.full),
                tries=attempt,
                begin=began,
                end=now(),
                error=error or driver.interruption,
            )
            driver.history.ended_at = play.end
            if attempt > 1:
                driver.history.plays.pop()
            driver.history.plays.append(play)
        (result,) = judge(part(driver.history, scenario.name)).scenarios
        if driver.interruption:
            arrange.waiting(f"again: {driver.interruption}")
            continue
        if result.outcome is Outcome.FAILED:
            arrange.time_factor = factor  # the other scenarios need no more time for that
        if result.outcome is not Outcome.NOT_JUDGED or error or arrange.hurried:
            return result
        arrange.time_factor *= 2
        arrange.waiting(
            f"again, with {arrange.ttl:.1f} s until an expiry (a page takes {driver.page_seconds():.1f} s)"
        )
    arrange.time_factor = factor  # more time did not help
    return result
