"""The documented scenarios: what the original README proved with screenshots, as checks.

Each is a plain function that arranges what it needs on a `Stage`, visits the page, and notes every
expectation with what was seen. It can be run again after a disturbance, and alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from todoctl.errors import TodoctlError
from todoctl.stage import DisturbedError, Stage, clock
from todoctl.stream import PageStream
from todoctl.target import File, Listing
from todoctl.verdict import Access

DOCUMENTED_FILES = ("cache_metadata.json", "cached_image.jpg")
RESTART_TTL = 600.0
"""Seconds: a picture must not expire while the app restarts, so that scenario plays at this or more."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`title` is what the scenario claims, in a line."""

    name: str
    title: str
    play: Callable[[Stage], None]


def mount(stage: Stage) -> None:
    """The volume on the host and the directory in the app are the same files."""
    if not stage.state().sha256:
        stage.empty()
        stage.view()
    before = stage.state()
    host, inside = stage.target.listings()
    content = stage.client.image().content
    if stage.state().access_count != before.access_count:
        raise DisturbedError("another page view changed the files while they were read")
    stage.check(
        "names of the files",
        expected=f"those on {host.seen_from}",
        seen=f"{', '.join(_names(inside))} in {inside.seen_from}",
        passed=_names(host) == _names(inside) and set(DOCUMENTED_FILES) <= set(_names(host)),
    )
    for ours, theirs in zip(host.files, inside.files, strict=False):
        stage.same(ours.name, _told(ours), _told(theirs))
    sizes = [file.size for file in host.files if file.name == "cached_image.jpg"]
    stage.same("size of the picture at /image", f"{sum(sizes)} bytes", f"{len(content)} bytes")


def fresh(stage: Stage) -> None:
    """On a fresh start a picture is fetched and served."""
    stage.empty()
    before = stage.state()
    stage.same("cache before the first view", "empty", before.status)
    seen = stage.view()
    after = stage.state()
    stage.same("status", "Valid", seen.status)
    stage.same("counts of site and picture", (1, 1), (seen.access_count, seen.image_access_count))
    stage.check(
        "picture",
        expected=f"the bytes with SHA-256 {_short(after.sha256)}",
        seen=_short(_sha(seen)),
        passed=_sha(seen) is not None and _sha(seen) == after.sha256,
    )
    downloaded, expires = after.downloaded_at or 0.0, after.expires_at or 0.0
    stage.check(
        "time from download to expiry",
        expected=f"{stage.settings.ttl:g} s",
        seen=f"{expires - downloaded:g} s",
        passed=abs(expires - downloaded - stage.settings.ttl) < 0.01,
    )


def valid(stage: Stage) -> None:
    """While it is valid, the same picture is served, without a download."""
    stage.make_valid(left=0.5)
    first = stage.view()
    before = stage.state()
    stage.wait_until((before.expires_at or 0.0) - stage.settings.ttl / 4)
    again = stage.view()
    for seen in (first, again):
        if seen.at >= (before.expires_at or 0.0):
            raise DisturbedError("this machine was so slow that the picture expired first")
        stage.same("status", "Valid", seen.status)
    _same_picture(stage, first, again)
    stage.same("image count", first.image_access_count + 1, again.image_access_count)


def grace(stage: Stage) -> None:
    """The first view after the expiry still gets the old picture: the grace view."""
    stage.make_valid()
    old = stage.view()
    if old.status != "Valid":
        raise DisturbedError("this machine was so slow that the picture expired first")
    stage.wait_for("expired")
    seen = stage.view()
    stage.same("status", "Grace period", seen.status)
    _same_picture(stage, old, seen)
    stage.same("image count", old.image_access_count + 1, seen.image_access_count)


def renew(stage: Stage) -> None:
    """The view after the grace view gets a new picture."""
    stage.make_grace()
    before = stage.state()
    seen = stage.view()
    stage.same("status", "Valid", seen.status)
    new = seen.downloaded_at or 0.0
    stage.check(
        "download time",
        expected=f"after {clock(before.expires_at)}",
        seen=clock(new),
        passed=new > (before.expires_at or 0.0),
    )
    stage.same("image count", 1, seen.image_access_count)
    if _sha(seen) == before.sha256:
        stage.result.notes.append("the new download brought the same picture, by chance")


def restart(stage: Stage) -> None:
    """After a restart the same picture is served and the counts go on."""
    ttl = max(stage.deployed.ttl, RESTART_TTL)
    if stage.settings.ttl < ttl:
        stage.restart_with(replace(stage.settings, ttl=ttl))
    stage.make_valid()
    old = stage.view()
    instances = stage.target.instances()
    with PageStream(stage.client.url, running=stage.target.rolling) as stream:
        stage.target.restart()
    renewed = stage.target.instances()
    stage.check(
        "what runs the app",
        expected=f"no longer {', '.join(sorted(instances))}",
        seen=", ".join(sorted(renewed)) or "nothing",
        passed=bool(renewed) and not instances & renewed,
    )
    if stage.target.rolling:
        stage.result.notes.append(f"{stream.answered} page views during the restart")
        stage.same("page views that failed", "none", "; ".join(stream.failures) or "none")
    before = stage.state()
    uncounted = old.access_count + stream.answered - before.access_count
    if uncounted < 0:
        raise DisturbedError(f"{-uncounted} other page view(s) came in between")
    stage.same("page views lost", 0, uncounted)
    seen = stage.view()
    stage.same("status", "Valid", seen.status)
    _same_picture(stage, old, seen)
    stage.same("site count", old.access_count + stream.answered + 1, seen.access_count)
    stage.same("image count", old.image_access_count + stream.answered + 1, seen.image_access_count)


SCENARIOS = tuple(
    Scenario(play.__name__, (play.__doc__ or "").strip(), play)
    for play in (mount, fresh, valid, grace, renew, restart)
)
"""In the order in which they are documented and run."""


def play(scenario: Scenario, stage: Stage, *, tries: int = 3) -> None:
    """Plays `scenario` into `stage.result`, again after a disturbance, `tries` times at most."""
    result = stage.result
    given_up: list[str] = []
    for attempt in range(1, tries + 1):
        try:
            scenario.play(stage)
        except DisturbedError as disturbance:
            given_up.append(f"try {attempt} given up: {disturbance}")
            result.notes[:] = given_up
            result.checks.clear()
        except TodoctlError as error:
            result.error = str(error)
            return
        else:
            return
    result.error = (
        f"Disturbed in {tries} tries out of {tries} ({given_up[-1].split(': ', 1)[1].rstrip('.')}). "
        "Other visitors, or the app counts wrong."
    )


def _same_picture(stage: Stage, old: Access, new: Access) -> None:
    stage.same("picture's SHA-256", _short(_sha(old)), _short(_sha(new)))
    stage.same_moment("download time", old.downloaded_at, new.downloaded_at)
    stage.same_moment("expiry time", old.expires_at, new.expires_at)


def _sha(access: Access) -> str | None:
    return access.image.sha256 if access.image else None


def _short(sha256: str | None) -> str:
    return sha256[:16] if sha256 else "none"


def _names(listing: Listing) -> list[str]:
    return [file.name for file in listing.files]


def _told(file: File) -> str:
    return f"{file.size} bytes, changed {clock(file.modified)[:-4]}"
