"""The documented scenarios: what the original README proved with screenshots, and what lies beside that.

Each names the claims that it is to prove, and judges nothing: the judge holds all events against the model.
"""

from collections.abc import Callable
from dataclasses import dataclass

from todoctl.errors import BadUsageError
from todoctl.evidence.history import Role
from todoctl.evidence.pages import PICTURE_FILE
from todoctl.evidence.times import CLOCK_SLACK
from todoctl.image_service.service import BUSY_SECONDS, picture
from todoctl.targets.base import Way
from todoctl.validation import contents
from todoctl.validation.actor import LONG_TTL
from todoctl.validation.contract import PARTS, PROBES, UNCHANGED, UNCOUNTED
from todoctl.validation.model.policy import FIRST_WAIT
from todoctl.validation.stage import Stage

VISITORS = 20
OFTEN = 11
"""More than `tally.RUN`: an app that counts what is no access cannot hide behind other visitors."""

FAILURES = (Way.ERROR, Way.DATED, Way.NOTHING, Way.HALF, Way.LOGIN)
OUTAGES = (*FAILURES, Way.BUSY, Way.SLOW)
"""Each is shown by a page view of its own. The others are answered after a start without a picture."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`title` is what it claims, in a line, `proves` the claims (keys of `contract.CLAIMS`).

    `starts` is how often the app is started, `seconds` how long the rest takes: both for the time left.
    """

    name: str
    title: str
    proves: tuple[str, ...]
    play: Callable[[Stage], None]
    starts: int = 0
    seconds: float = 0.5

    @property
    def needs_service(self) -> bool:
        return self.name == "outage"


def deployed(stage: Stage) -> None:
    """What is up is what was asked for."""
    stage.look()
    stage.visitors.probe("GET /readyz")
    stage.visitors.probe("HEAD /")
    stage.look_at_log()


def mount(stage: Stage) -> None:
    """The volume is the same from both sides, and tells what the app tells."""
    if stage.look().picture is None:
        stage.start(LONG_TTL, emptied=True)
        stage.wait_for_picture()
    stage.look()
    stage.visitors.ask(Role.PICTURE, "GET", "/image")
    stage.look_at_volume()


def fresh(stage: Stage) -> None:
    """On an empty volume a picture is downloaded at the start, and the first view shows it."""
    stage.start(stage.ttl, emptied=True)
    stage.wait_for_picture()
    stage.visit()
    stage.look_at_log()


def valid(stage: Stage) -> None:
    """While it is valid, the same picture is served, without a download."""
    stage.require(stage.ttl)
    stage.make_valid()
    stage.visit()
    if stage.fresh is not None:
        stage.wait_until(stage.fresh.lo + 0.7 * stage.settings.ttl)
    stage.visit()
    stage.look_before_expiry()


def grace(stage: Stage) -> None:
    """The first view after the expiry still gets the old picture: the grace view."""
    stage.require(stage.ttl)
    stage.make_expired()
    stage.visit()


def renew(stage: Stage) -> None:
    """The view after the grace view gets a new picture, with one download."""
    stage.require(stage.ttl)
    stage.make_spent()
    stage.visit()


def restart(stage: Stage) -> None:
    """A restart keeps picture, times, grace and counts, whatever the picture's age."""
    if not stage.full:
        stage.require(stage.brief)
        stage.make_expired()
        stage.restart()
        stage.visit()
        stage.look_at_log()
        stage.restart()
        stage.visit()
    stage.require(LONG_TTL)
    stage.make_valid()
    stage.visit()
    stage.restart(under_views=True)
    stage.visit()


def crash(stage: Stage) -> None:
    """A crash keeps picture, times, grace and counts, whatever the picture's age."""
    stage.require(LONG_TTL)
    stage.make_valid()
    stage.visitors.view()  # and nothing else: whatever looks at the app may make it save
    stage.kill()
    stage.visit()
    if not stage.full:
        stage.start(stage.brief, emptied=True)  # so that nobody has seen the picture that gets too old
        stage.wait_for_picture()
        stage.make_expired()
        stage.kill()
        stage.visit()
        stage.kill()
        stage.visit()


def files(stage: Stage) -> None:
    """The original's files are taken over, lost ones put back, torn ones mended; damaged ones do no harm."""
    stage.require()
    stage.make_picture()
    stage.take_over()
    stage.visit()
    stage.lose_files()
    stage.visit()
    stage.lose_files(PICTURE_FILE)
    stage.visit()
    stage.spoil_files()
    stage.visit()
    stage.view_again()  # what the first view after a damage saves, or of a picture, is synced: not torn
    stage.visitors.view()  # nor is the last of several lost
    stage.cut_power()
    stage.visit()
    for values in (contents.OUT_OF_RANGE, contents.OF_OTHER_TYPES):
        stage.damage(contents.bad_values(values))
        stage.visit()
    stage.damage(contents.no_picture)
    stage.wait_for_picture()
    stage.visit()


def together(stage: Stage) -> None:
    """Several processes on one volume act as one."""
    stage.begin_together()
    try:
        stage.make_picture()
        for _ in range(2):
            stage.visit()
        if not stage.full:
            _crowds(stage)
    finally:
        stage.scale(1)


def detached(stage: Stage) -> None:
    """While the volume is out of reach page views go on, and nothing of them is lost when it is back."""
    stage.require(stage.brief)
    arrange = stage.make_picture if stage.full else stage.make_expired
    arrange()
    stage.detach()
    stage.visit()
    stage.attach(1_200)  # counts of four digits are to be seen as well
    stage.look()
    stage.visit()
    arrange()
    stage.detach()
    stage.visit()
    stage.visit()
    stage.pause(2 * CLOCK_SLACK)  # a download of what comes next is not to pass for one of this page view
    stage.attach(2)
    stage.visit()
    stage.detach()
    stage.visit()
    stage.attach(5, picture(0))
    stage.visit()


def crowd(stage: Stage) -> None:
    """Many visitors at once: each is answered and counted, with one grace view and one download."""
    stage.require(LONG_TTL)
    stage.make_valid()
    stage.visitors.crowd(VISITORS)
    stage.visit()
    if not stage.full:
        stage.require(stage.brief)
        _crowds(stage)


def _crowds(stage: Stage) -> None:
    """Many at once at the expiry, and when a new picture is due."""
    for arrange in (stage.make_expired, stage.make_spent):
        arrange()
        stage.visitors.crowd(VISITORS)
        stage.visit()


def outage(stage: Stage) -> None:
    """While the image service fails, the old picture stays, the page comes in time, and success is taken."""
    stage.require(stage.brief)
    for way in FAILURES:
        stage.fail(way)
        stage.visitors.probe("GET /healthz")  # no fault of the image service is one of the app
        stage.visitors.probe("GET /readyz")
        stage.pause(FIRST_WAIT)
        stage.visit()
    stage.fail(Way.BUSY)
    stage.pause(2 * FIRST_WAIT)  # the wait after any other failure is over, the one asked for is not
    stage.visitors.view()
    stage.pause(BUSY_SECONDS - 2 * FIRST_WAIT)
    stage.visit()
    stage.make_late()
    stage.visit()
    stage.serve(Way.SOUND)
    stage.start(stage.brief, emptied=True)
    stage.visit(parts=True)
    stage.visitors.ask(Role.PICTURE, "GET", "/image")
    stage.serve(Way.HUGE)
    stage.pause(FIRST_WAIT)
    stage.visit()
    stage.pause(1.2 * FIRST_WAIT)  # the second wait is twice as long: nothing is asked for yet
    stage.visitors.view()
    stage.serve(Way.PICTURE)
    stage.make_picture()
    stage.fail(Way.AGAIN)  # which is no failure, but a picture that is new to the policy alone


def page(stage: Stage) -> None:
    """The page and its picture are as documented, and nothing but a page view is counted."""
    stage.require()
    stage.make_picture()
    stage.visit(parts=True)
    for name in (name for name in PROBES if name not in PARTS):
        tag = UNCHANGED.get(name, "").format(stage.look().picture)
        stage.visitors.probe(name, *([("if-none-match", tag)] if tag else []))
    stage.visitors.ask(Role.PICTURE, "GET", "/image", sent=[("if-none-match", f'"{"0" * 64}"')])
    with stage.visitors.staying():
        for _ in range(OFTEN):
            stage.visitors.ask(Role.PICTURE, "GET", "/image")
            stage.look()
        for name in UNCOUNTED * OFTEN:
            stage.visitors.probe(name)
            stage.look()
        stage.visit()


def _scenario(play: Callable[[Stage], None], *proves: str, starts: int = 0, seconds: float = 0.5) -> Scenario:
    return Scenario(play.__name__, (play.__doc__ or "").strip(), proves, play, starts, seconds)


SCENARIOS = (
    _scenario(deployed, "ttl", "source", "ready", "log"),
    _scenario(mount, "volume-same", "volume-state", "volume-picture"),
    _scenario(fresh, "start", "first", "log", starts=1),
    _scenario(valid, "valid", seconds=1.0),
    _scenario(grace, "grace"),
    _scenario(renew, "renew"),
    _scenario(restart, "restart-valid", "restart-grace", "restart-renew", "restart-replaced", starts=5),
    _scenario(crash, "kill-valid", "kill-grace", "kill-renew", starts=5),
    _scenario(files, "takeover-valid", "lose-valid", "spoil-valid", "cut-valid", "damage", starts=4),
    _scenario(crowd, "crowd-valid", "crowd-grace", "crowd-renew", starts=1, seconds=1.5),
    _scenario(together, "scale", "crowd-grace", "crowd-renew", starts=2, seconds=1.5),
    _scenario(detached, "detach", "attach"),
    _scenario(outage, *(f"outage-{way}" for way in OUTAGES), "outage-taken", "late", seconds=9.0),
    _scenario(
        page, "page", "heading", "line", "labels", "page-picture", "picture-headers", "head", "refused"
    ),
)
"""In the order in which they are documented and run."""

QUICK_ONLY = {"restart-grace", "restart-renew", "kill-grace", "kill-renew", "crowd-grace", "crowd-renew"}
"""Claims whose situations take an expiry of their own: they are not arranged at a TTL of ten minutes."""


def chosen(names: list[str], *, full: bool) -> list[Scenario]:
    """The scenarios called `names`, all where that is empty; raises `BadUsageError` for an unknown one."""
    known = {scenario.name: scenario for scenario in SCENARIOS}
    for name in names:
        if name not in known:
            raise BadUsageError(f"--scenario {name!r} is no scenario", fix=f"Use {', '.join(known)}")
        if full and known[name].needs_service:
            raise BadUsageError(
                f"--scenario {name} needs an image service that fails, and --full keeps yours",
                fix="Leave --full out",
            )
    return [
        scenario
        for scenario in SCENARIOS
        if (not names or scenario.name in names) and not (full and scenario.needs_service)
    ]


def proves(scenario: Scenario, *, full: bool) -> list[str]:
    """The claims that are to be proved in this run."""
    return [claim for claim in scenario.proves if not (full and claim in QUICK_ONLY)]
