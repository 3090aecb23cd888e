"""The documented scenarios: what the original README proved with screenshots, and what lies beside that.

Each names the claims that it is to prove, and judges nothing: the checkers hold all events to the contract.
They are played in the order in which they are written here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from todoctl.errors import BadUsageError
from todoctl.evidence.history import Op, Role
from todoctl.evidence.pages import PICTURE_FILE, or_none
from todoctl.image_service.service import BUSY_SECONDS, ResponseMode
from todoctl.validation import contents
from todoctl.validation.driver import Driver
from todoctl.validation.model import FIRST_WAIT
from todoctl.validation.probes import PARTS, PROBES, UNCHANGED, UNCOUNTED
from todoctl.validation.situations import LONG_TTL, Situations

VISITORS = 20
OFTEN = 11
"""More than `counters.RUN`: an app that counts what is no access cannot hide behind other visitors."""

FAILURES = (
    ResponseMode.ERROR,
    ResponseMode.DATED,
    ResponseMode.NOTHING,
    ResponseMode.HALF,
    ResponseMode.LOGIN,
)
OUTAGES = (*FAILURES, ResponseMode.BUSY, ResponseMode.SLOW)
"""Each is shown by a page view of its own. The others are answered after a start without a picture."""

Play = Callable[[Driver, Situations], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`title` is what it claims, in a line, `proves` the claims (keys of `CLAIMS`) that have to be seen.

    Those in `quick` take an expiry of their own, and are not arranged at a TTL of ten minutes. `starts` is
    how often the app is started, `seconds` how long the rest takes: both for the time left. `needs_service`
    says that the image service has to fail.
    """

    name: str
    title: str
    play: Play
    proves: tuple[str, ...]
    quick: tuple[str, ...] = ()
    starts: int = 0
    seconds: float = 0.5
    needs_service: bool = False

    def claims(self, *, full: bool) -> list[str]:
        """Returns the claims that are to be proved in this run."""
        return [*self.proves, *(() if full else self.quick)]


SCENARIOS: list[Scenario] = []


def scenario(
    *proves: str,
    quick: tuple[str, ...] = (),
    starts: int = 0,
    seconds: float = 0.5,
    needs_service: bool = False,
) -> Callable[[Play], Play]:
    """Registers a function as a scenario: its name, and its docstring as the title."""

    def register(play: Play) -> Play:
        title = (play.__doc__ or "").strip()
        SCENARIOS.append(Scenario(play.__name__, title, play, proves, quick, starts, seconds, needs_service))
        return play

    return register


@scenario("ttl", "source", "ready", "log")
def deployed(driver: Driver, _: Situations) -> None:
    """What is up is what was asked for."""
    driver.look()
    driver.probe("GET /readyz")
    driver.probe("HEAD /")
    driver.look_at_log()


@scenario("volume-same", "volume-state", "volume-picture")
def mount(driver: Driver, arrange: Situations) -> None:
    """The volume is the same from both sides, and says what the app says."""
    if or_none(driver.look().picture) is None:
        driver.start(LONG_TTL, emptied=True)
        arrange.wait_for_picture()
    driver.look()
    driver.picture()
    driver.look_at_volume()


@scenario("start", "first", "log", starts=1)
def fresh(driver: Driver, arrange: Situations) -> None:
    """On an empty volume a picture is downloaded at the start, and the first view shows it."""
    driver.start(arrange.ttl, emptied=True)
    arrange.wait_for_picture()
    driver.visit()
    driver.look_at_log()


@scenario(
    "page", "heading", "line", "labels", "page-picture", "picture-headers", "head", "refused", seconds=1.5
)
def page(driver: Driver, arrange: Situations) -> None:
    """The page and its picture are as documented, and nothing but a page view is counted."""
    arrange.require()
    arrange.make_picture()
    driver.visit(parts=True)
    for name in (name for name in PROBES if name not in PARTS):
        tag = UNCHANGED.get(name, "").format(or_none(driver.look().picture))
        driver.probe(name, *([("if-none-match", tag)] if tag else []))
    driver.ask(Role.PICTURE, "GET", "/image", sent=[("if-none-match", f'"{"0" * 64}"')])
    for name in ("", "GET /image", *UNCOUNTED):
        for number in range(OFTEN):
            if number == OFTEN // 2:
                arrange.pause(0.06)  # no visitor comes as often in this time as in the others
            if name == "GET /image":
                driver.picture()
            elif name:
                driver.probe(name)
            driver.look()
    driver.visit()


@scenario("valid", seconds=1.0)
def valid(driver: Driver, arrange: Situations) -> None:
    """While it is valid, the same picture is served, without a download."""
    arrange.require(arrange.ttl)
    arrange.make_valid()
    driver.visit()
    if driver.fresh is not None:
        arrange.wait_until(driver.fresh.lo + 0.7 * driver.settings.ttl)
    driver.visit()
    arrange.look_before_expiry()


@scenario("grace")
def grace(driver: Driver, arrange: Situations) -> None:
    """The first view after the expiry still gets the old picture: the grace view."""
    arrange.require(arrange.ttl)
    arrange.make_expired()
    arrange.ask_without_viewing()
    driver.visit()


@scenario("renew")
def renew(driver: Driver, arrange: Situations) -> None:
    """The view after the grace view gets a new picture, with one download."""
    arrange.require(arrange.ttl)
    arrange.make_spent()
    arrange.ask_without_viewing()
    driver.visit()


@scenario("restart-valid", "restart-replaced", quick=("restart-grace", "restart-renew"), starts=5)
def restart(driver: Driver, arrange: Situations) -> None:
    """A restart keeps picture, times, grace and counts, whatever the picture's age."""
    if not driver.full:
        arrange.require(arrange.brief)
        arrange.make_expired()
        driver.restart()
        driver.visit()
        driver.look_at_log()
        driver.restart()
        driver.visit()
    arrange.require(LONG_TTL)
    arrange.make_valid()
    driver.visit()
    driver.restart(under_views=True)
    driver.visit()


@scenario("kill-valid", quick=("kill-grace", "kill-renew"), starts=5)
def crash(driver: Driver, arrange: Situations) -> None:
    """A crash keeps picture, times, grace and counts, whatever the picture's age."""
    arrange.require(LONG_TTL)
    arrange.make_valid()
    driver.view()  # and nothing else: whatever looks at the app may make it save
    driver.kill()
    driver.visit()
    if not driver.full:
        driver.start(arrange.brief, emptied=True)  # so that nobody has seen the picture that gets too old
        arrange.wait_for_picture()
        arrange.make_expired()
        driver.kill()
        driver.visit()
        driver.kill()
        driver.visit()


@scenario("takeover-valid", "lose-valid", "spoil-valid", "damage", starts=4)
def files(driver: Driver, arrange: Situations) -> None:
    """The original's files are taken over, lost and torn ones mended; damaged ones do no harm."""
    arrange.require()
    arrange.make_picture()
    arrange.take_over()
    driver.visit()
    for lost in ((), (PICTURE_FILE,)):
        driver.change(Op.LOSE, lambda _, lost=lost: contents.lost(*lost))  # type: ignore[misc]
        driver.visit()
    driver.change(Op.SPOIL, contents.spoiled)
    driver.visit()
    for values in (contents.OUT_OF_RANGE, contents.OF_OTHER_TYPES):
        arrange.damage(contents.bad_values(values))
        driver.visit()
    arrange.damage(contents.no_picture)
    arrange.wait_for_picture()
    driver.visit()


@scenario("detach", "attach")
def detached(driver: Driver, arrange: Situations) -> None:
    """While the volume is out of reach page views go on, and when it is back all is well."""
    arrange.require(LONG_TTL)
    arrange.make_valid()
    driver.visit()
    driver.detach()
    driver.visit()
    driver.visit()
    driver.attach()
    driver.visit()
    driver.visit()


@scenario("crowd-valid", quick=("crowd-grace", "crowd-renew"), starts=1, seconds=1.5)
def crowd(driver: Driver, arrange: Situations) -> None:
    """Many visitors at once: each is answered and counted, with one grace view and one download."""
    arrange.require(LONG_TTL)
    arrange.make_valid()
    driver.crowd(VISITORS)
    driver.visit()
    if not driver.full:
        arrange.require(arrange.brief)
        _crowds(driver, arrange)


@scenario("scale", quick=("crowd-grace", "crowd-renew"), starts=2, seconds=1.5)
def together(driver: Driver, arrange: Situations) -> None:
    """Several processes on one volume act as one."""
    arrange.begin_together()
    try:
        arrange.make_picture()
        for _ in range(2):
            driver.visit()
        if not driver.full:
            _crowds(driver, arrange)
    finally:
        driver.scale(1)


def _crowds(driver: Driver, arrange: Situations) -> None:
    """Many at once at the expiry, and when a new picture is due."""
    for make in (arrange.make_expired, arrange.make_spent):
        make()
        driver.crowd(VISITORS)
        driver.visit()


@scenario(*(f"outage-{mode}" for mode in OUTAGES), "outage-taken", "late", seconds=9.0, needs_service=True)
def outage(driver: Driver, arrange: Situations) -> None:
    """While the image service fails, the old picture stays, the page comes in time, and success is taken."""
    arrange.require(arrange.brief)
    for mode in FAILURES:
        arrange.fail(mode)
        arrange.ask_without_viewing()  # no fault of the image service is one of the app
        arrange.wait_after_failure(FIRST_WAIT)
        driver.visit()
    arrange.fail(ResponseMode.BUSY)
    # The wait after any other failure is over, the one asked for is not.
    arrange.wait_after_failure(2 * FIRST_WAIT)
    driver.view()
    arrange.wait_after_failure(BUSY_SECONDS)
    driver.visit()
    arrange.make_late()
    driver.visit()
    driver.serve(ResponseMode.SOUND)
    driver.start(arrange.brief, emptied=True)
    driver.visit(parts=True)
    arrange.ask_without_viewing()
    driver.serve(ResponseMode.HUGE)
    arrange.pause(FIRST_WAIT)
    driver.visit()
    arrange.pause(1.2 * FIRST_WAIT)  # the second wait is twice as long: nothing is asked for yet
    driver.view()
    driver.serve(ResponseMode.PICTURE)
    arrange.make_picture()
    arrange.fail(ResponseMode.AGAIN)  # which is no failure, but a picture that is new to the policy alone


def chosen(names: list[str], *, full: bool) -> list[Scenario]:
    """Returns the scenarios called `names`, or all; raises `BadUsageError` for an unknown one."""
    known = {scenario.name: scenario for scenario in SCENARIOS}
    for name in names:
        if name not in known:
            raise BadUsageError(f"--scenario {name!r} is no scenario", fix=f"Use {', '.join(known)}")
        if full and known[name].needs_service:
            raise BadUsageError(
                f"--scenario {name} needs an image service that fails, and --full keeps yours",
                fix="Leave --full out",
            )
    return [one for one in SCENARIOS if (not names or one.name in names) and not (full and one.needs_service)]
