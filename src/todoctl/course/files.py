"""Whether the picture is on the volume: its very bytes, or the same picture in another form."""

from collections.abc import Iterator

from todoctl.course.lifetimes import check, leave
from todoctl.course.sightings import sightings
from todoctl.evidence import pictures
from todoctl.evidence.history import File, History, Volume
from todoctl.evidence.reports.phrases import counted
from todoctl.evidence.verdict import ScenarioResult

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif")
"""Of a file that may be a picture where a listing is all there is."""


def files(history: History, result: ScenarioResult) -> None:
    """The picture that was shown before and after a look at the volume is a file there."""
    for number, event in enumerate(history.events):
        if not isinstance(event, Volume):
            continue
        around = list(_around(history, number))
        if len(around) == 2 and around[0] == around[1]:
            _look(history, result, number, event, around[0])
    if not result.checks:
        leave(result, "nobody looked: --volume DIR or --volume-exec CMD shows the files")
    elif not result.failures:
        result.saw = f"the picture is {result.checks[-1].seen}"


def _look(history: History, result: ScenarioResult, number: int, event: Volume, digest: str) -> None:
    shown = history.bodies.get(digest, b"")
    there = next((file.name for file in event.files if _is(file, digest, len(shown))), "")
    if not there:
        alike = [file for file in event.files if pictures.alike(history.bodies.get(file.body, b""), shown)]
        there = f"{alike[0].name}, which the page shows in another form" if alike else ""
    if not there and any(_may_be_one(history, file) for file in event.files):
        leave(result, "no file has the picture's bytes, but the page may show it in another form")
        return
    what = "after the restart" if event.scenario == "restart" else "on the volume"
    others = f"{counted(len(event.files), 'file')}, none of them a picture"
    seen = there or (others if event.files else "no files at all")
    check(result, what, there or f"the picture, {len(shown)} bytes", seen, number, passed=bool(there))


def _is(file: File, digest: str, size: int) -> bool:
    return file.body == digest if file.body else file.size == size


def _may_be_one(history: History, file: File) -> bool:
    if file.body in history.bodies:  # only pictures are kept; one that was shown as it is was no other form
        return file.body not in {seen.picture for seen in sightings(history)}
    return not file.body and file.name.lower().endswith(SUFFIXES)


def _around(history: History, number: int) -> Iterator[str]:
    """The pictures of the last visit before an event and of the first one after it."""
    visits = [seen for seen in sightings(history) if seen.picture]
    before = max((seen for seen in visits if seen.event < number), key=lambda seen: seen.event, default=None)
    after = min((seen for seen in visits if seen.event > number), key=lambda seen: seen.event, default=None)
    for seen in (before, after):
        if seen:
            yield seen.picture
