"""`validate`: play the scenarios on what is up, judge what was seen, and leave it as it was."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from todoctl.client import Client
from todoctl.errors import UnavailableError
from todoctl.evidence.history import Act, Facts, History, Op
from todoctl.evidence.judging import judged
from todoctl.evidence.times import now
from todoctl.evidence.verdict import Verdict
from todoctl.restore import restore
from todoctl.settings import Settings
from todoctl.targets.base import Progress, Target, require_settings
from todoctl.validation.checkers import judge
from todoctl.validation.driver import Driver
from todoctl.validation.run import Audience, run
from todoctl.validation.scenarios import Scenario


def validate(
    target: Target,
    audience: Audience,
    progress: Progress,
    scenarios: Sequence[Scenario],
    *,
    full: bool,
    report: Callable[[Verdict], None],
) -> Verdict:
    """Plays `scenarios`: with `full` at the deployed TTL and source, else quickly, with pictures of its own.

    Raises `UnavailableError` where nothing is up. Whatever happens, the volume, the settings and the app are
    put back on the way out (after a kill, `restore` does that), and `report` gets the verdict so far.
    """
    deployed = require_settings(target)
    target.record.check()  # first: whoever validates has stopped the app now and then
    if not target.instances():
        raise UnavailableError("The app does not run", fix="Run 'todoctl up' first")
    entrance = target.entrance(deployed)
    history = _history(target, deployed, entrance.words, full=full)
    with Client(target.page(deployed)) as client:
        client.find()  # says so in one line where the app does not answer
    target.record.begin()
    history.interrupted = True
    try:
        try:
            with ExitStack() as means:
                service = None if full else means.enter_context(target.image_service())
                driver = Driver(target, entrance, history, deployed, service)
                means.callback(driver.close)
                means.callback(target.volume.close)
                if service is not None:
                    at = now()
                    serve = Act(
                        begin=at, end=at, scenario="", what=Op.SERVE, source=service.url, way="picture"
                    )
                    history.events.append(serve)
                run(driver, scenarios, audience)
        finally:
            restore(target, progress)
        history.interrupted = False
    finally:
        history.ended_at = now()
        [verdict] = judged([history], judge)
        report(verdict)
    return verdict


def _history(target: Target, deployed: Settings, entrance: str, *, full: bool) -> History:
    facts = Facts(
        target=target.name,
        url=target.page(deployed),
        entrance=entrance,
        ttl=deployed.ttl,
        source=deployed.source,
        directory=target.volume.directory,
        rolling=target.rolling,
        full=full,
        began_at=now(),
    )
    return History(facts=facts)
