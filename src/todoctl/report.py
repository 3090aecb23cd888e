"""The verdict as one self-contained HTML page: pictures, checks, and a timeline of accesses and states."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader

from todoctl.client import Image
from todoctl.verdict import Access, Sighting, Verdict

WIDTH = 1000.0
"""The timeline's width, in units of its own coordinates."""

NARROWEST = 4.0
"""So that a status that lasted a moment, as grace does in a quick run, can be seen."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the timeline in which the cache had one status."""

    x: float
    width: float
    status: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A point on the timeline: an access, or where a scenario began."""

    x: float
    label: str
    title: str


def write(verdict: Verdict, path: Path) -> None:
    """Writes the report; raises `OSError`."""
    path.write_text(render(verdict), encoding="utf-8")


def render(verdict: Verdict) -> str:
    """The whole page, with everything it shows inside it."""
    environment = Environment(
        loader=PackageLoader("todoctl"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["clock"] = _clock
    environment.filters["time"] = lambda moment: _clock(moment).split(" ", 1)[-1]
    environment.filters["data_uri"] = _data_uri
    scale = Scale(verdict)
    accesses = [access for scenario in verdict.scenarios for access in scenario.accesses]
    return environment.get_template("report.html").render(
        verdict=verdict,
        width=WIDTH,
        top=15 * len(verdict.scenarios) + 6,
        spans=scale.spans(verdict.sightings),
        accesses=[_mark(scale, access) for access in accesses],
        scenarios=[Mark(scale.x(result.began_at), result.name, result.title) for result in verdict.scenarios],
        ticks=scale.ticks(),
    )


class Scale:
    """From moments (epoch seconds) to places on the timeline."""

    def __init__(self, verdict: Verdict) -> None:
        moments = [
            verdict.began_at + verdict.seconds,
            *(sighting.at for sighting in verdict.sightings),
            *(access.at for result in verdict.scenarios for access in result.accesses),
        ]
        self._begin = verdict.began_at
        self._end = max([*moments, self._begin + 1.0])

    def x(self, moment: float) -> float:
        part = (moment - self._begin) / (self._end - self._begin)
        return round(min(max(part, 0.0), 1.0) * WIDTH, 1)

    def spans(self, sightings: list[Sighting]) -> list[Span]:
        """Each status from when it was seen until the next was."""
        ends = [sighting.at for sighting in sightings[1:]] + [self._end]
        return [
            Span(
                x=self.x(sighting.at),
                width=max(round(self.x(end) - self.x(sighting.at), 1), NARROWEST),
                status=sighting.status,
                seconds=end - sighting.at,
            )
            for sighting, end in zip(sightings, ends, strict=False)
        ]

    def ticks(self) -> list[Mark]:
        """About ten marks at round distances, labelled with the seconds since the run began."""
        span = self._end - self._begin
        step = next((step for step in (1, 2, 5, 10, 15, 30, 60, 120, 300) if span / step <= 12), 600)
        return [
            Mark(self.x(self._begin + second), f"{second} s", "") for second in range(0, int(span) + 1, step)
        ]


def _mark(scale: Scale, access: Access) -> Mark:
    counts = f"site {access.access_count}, picture {access.image_access_count}"
    return Mark(scale.x(access.at), access.status, f"{_clock(access.at)} {access.status}, {counts}")


def _clock(moment: float | None) -> str:
    if moment is None:
        return "–"
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _data_uri(image: Image) -> str:
    kind = image.content_type.split(";")[0]
    return f"data:{kind};base64,{base64.b64encode(image.content).decode()}"
