"""Histories of visits, made up: what was seen at which second, and nothing else."""

import hashlib
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image

from todoctl.course.claims import CLAIMS, DEFAULT
from todoctl.course.visit import Notes
from todoctl.evidence.history import Act, Facts, File, History, Op, Play, Role, Volume
from todoctl.evidence.http import Got

BEGAN = 1_790_000_000.0
TTL = 600.0


@cache
def picture(name: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (64, 64 + sum(name.encode()))).save(made, "PNG")
    return made.getvalue()


def digest(name: str) -> str:
    return hashlib.sha256(picture(name)).hexdigest()


@dataclass(frozen=True)
class Seen:
    """A visit at `at` seconds that showed picture `name` (empty: none), with `text` on the page."""

    at: float
    name: str
    text: str = ""
    phase: str = "shown"
    status: int = 200
    error: str = ""


@dataclass(frozen=True)
class Restart:
    """A restart from `at` on, for 20 s, with three page views; the first finds nobody."""

    at: float


@dataclass(frozen=True)
class Look:
    """A look at the volume: file names with their pictures, and when they were written."""

    at: float
    files: Sequence[tuple[str, float]]
    listed: bool = False


def got(at: float, kind: str, body: bytes, status: int = 200, error: str = "") -> Got:
    begin, headers = BEGAN + at, [("content-type", kind)] if kind else []
    return Got(begin=begin, end=begin + 0.01, status=status, headers=headers, body=body, error=error)


def made(*events: Seen | Restart | Look, claims: Collection[str] = DEFAULT) -> History:
    """A history of `events`, in their order."""
    facts = Facts(
        target="url",
        kind="claims",
        url="http://a/",
        ttl=TTL,
        source="",
        directory="",
        rolling=False,
        full=True,
        began_at=BEGAN,
    )
    history = History(facts=facts, ended_at=BEGAN + max((event.at for event in events), default=0) + 1)
    notes = Notes(history, lambda: BEGAN)
    for event in events:
        begin = BEGAN + event.at
        match event:
            case Seen(at, name):
                notes.begin(event.phase)
                text = f"<p>{event.text}</p>".encode()
                notes.add(got(at, "", text, event.status, event.error), "http://a/", Role.PAGE)
                if name:
                    body = picture(name) if name != "?" else b"no picture"
                    notes.add(got(at + 0.02, "image/png", body), "http://a/image", Role.PICTURE)
            case Restart(at):
                for view in range(3):
                    notes.begin("restart", crowd="restart")
                    notes.add(got(at + view, "", b"", error="" if view else "no"), "http://a/", Role.PAGE)
                act = Act(begin=begin, end=begin + 20, scenario="restart", what=Op.RESTART)
                history.events.append(act)
            case Look(at, files):
                found = [
                    File(
                        name=name,
                        size=len(picture(name)),
                        modified=BEGAN + written,
                        body="" if event.listed else digest(name),
                    )
                    for name, written in files
                ]
                phase = "restart" if at > 1000 else "shown"
                history.events.append(
                    Volume(begin=begin, end=begin, scenario=phase, seen_from="here", look=1, files=found)
                )
    history.plays = [
        Play(
            name=name, title=claim.sentence, proves=[name] * (name in claims), tries=1, begin=BEGAN, end=BEGAN
        )
        for name, claim in CLAIMS.items()
    ]
    return history


def visits(*seen: tuple[float, str]) -> list[Seen]:
    return [Seen(at, name) for at, name in seen]
