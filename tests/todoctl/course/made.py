"""Histories of visits, made up: what was seen at which second, and nothing else."""

import hashlib
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image

from todoctl.course.claims import CLAIMS, DEFAULT
from todoctl.evidence.history import Act, Answer, Facts, File, History, Op, Play, Request, Role, Volume

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
    """A restart from `at` on, for some seconds, with as many page views."""

    at: float
    seconds: float = 20.0
    views: int = 3


@dataclass(frozen=True)
class Look:
    """A look at the volume: file names with their pictures, and when they were written."""

    at: float
    files: Sequence[tuple[str, float]]
    listed: bool = False


def page(history: History, number: int, at: float, text: str, seen: Seen) -> Request:
    answer = Answer(status=seen.status, headers=[], body=history.keep(f"<p>{text}</p>".encode()))
    return Request(
        begin=BEGAN + at,
        end=BEGAN + at + 0.01,
        scenario=seen.phase,
        role=Role.PAGE,
        method="GET",
        url="http://a/",
        answer=None if seen.error else answer,
        error=seen.error,
        visit=number,
    )


def made(*events: Seen | Restart | Look, claims: Collection[str] = DEFAULT, **facts: float) -> History:
    """A history of `events`, in their order."""
    known = Facts(
        target="url",
        kind="claims",
        url="http://a/",
        ttl=facts.get("ttl", TTL),
        source="",
        directory="",
        rolling=False,
        full=True,
        began_at=BEGAN,
    )
    history = History(facts=known, ended_at=BEGAN + max(event.at for event in events) + 1)
    for number, event in enumerate(events):
        match event:
            case Seen():
                history.events.append(page(history, number, event.at, event.text, event))
                if event.name:
                    body = history.keep(picture(event.name) if event.name != "?" else b"no picture")
                    history.events.append(
                        Request(
                            begin=BEGAN + event.at + 0.02,
                            end=BEGAN + event.at + 0.03,
                            scenario=event.phase,
                            role=Role.PICTURE,
                            method="GET",
                            url="http://a/image",
                            answer=Answer(status=200, headers=[("content-type", "image/png")], body=body),
                            visit=number,
                        )
                    )
            case Restart():
                for view in range(event.views):
                    seen = Seen(event.at, "", phase="restart", error="" if view else "refused")
                    found = page(history, 1000 + view, event.at + view, "", seen)
                    history.events.append(
                        Request(
                            **{name: getattr(found, name) for name in found.__struct_fields__}
                            | {"crowd": "restart"}
                        )
                    )
                begin, end = BEGAN + event.at, BEGAN + event.at + event.seconds
                history.events.append(Act(begin=begin, end=end, scenario="restart", what=Op.RESTART))
            case Look():
                history.events.append(
                    Volume(
                        begin=BEGAN + event.at,
                        end=BEGAN + event.at,
                        scenario="restart" if event.at > 1000 else "shown",
                        seen_from="here",
                        look=number,
                        files=[
                            File(
                                name=name,
                                size=len(picture(name)),
                                modified=BEGAN + at,
                                body="" if event.listed else digest(name),
                            )
                            for name, at in event.files
                        ],
                    )
                )
    history.plays = [
        Play(
            name=name,
            title=CLAIMS[name].sentence,
            proves=[name] * (name in claims),
            tries=1,
            begin=0,
            end=0,
        )
        for name in CLAIMS
    ]
    return history


def visits(*seen: tuple[float, str]) -> list[Seen]:
    return [Seen(at, name) for at, name in seen]
