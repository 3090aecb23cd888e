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
from todoctl.targets.base import Deployment, Progress, Target, require_deployed
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
    deployed = require_deployed(target)
    target.marker.check()  # first: whoever validates has stopped the app now and then
    if not target.instances():
        raise UnavailableError("The app does not run", fix="Run 'todoctl up' first")
    endpoint = target.endpoint(deployed.settings)
    history = _history(target, deployed, endpoint.words, full=full)
    with Client(deployed.url) as client:
        client.find()  # says so in one line where the app does not answer
    target.marker.begin()
    history.interrupted = True
    try:
        try:
            with ExitStack() as means:
                service = None if full else means.enter_context(target.image_service())
                driver = Driver(target, endpoint, history, deployed.settings, service)
                means.callback(driver.close)
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


def _history(target: Target, deployed: Deployment, endpoint: str, *, full: bool) -> History:
    facts = Facts(
        target=target.traits.name,
        url=deployed.url,
        entrance=endpoint,
        ttl=deployed.settings.ttl,
        source=deployed.settings.source,
        directory=target.volume.directory,
        rolling=target.traits.rolling,
        full=full,
        began_at=now(),
    )
    return History(facts=facts)
