"""Everything that a validation did and saw, in order, as plain data.

Each event has its begin and end in epoch seconds by todoctl's clock, and carries what came back whole. A
body or file is kept once, under its SHA-256. The judge needs nothing but this, so a saved history can be
judged again, with no app around.
"""

import hashlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from sys import float_info
from typing import Annotated, Any, Literal, Self

import msgspec

from todoctl.errors import BadUsageError

VERSION = 2
"""Of the format in `to_json`: another one is refused."""

FIX = "Name a file that 'todoctl validate --json' has written"

LATEST = 253_402_300_799
"""The last second that can be written as a date: that of the year 9999."""

Moment = Annotated[float, msgspec.Meta(ge=0, le=LATEST)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=float_info.max)]


class Role(StrEnum):
    """What a request is for. Only a page view is an access."""

    PAGE = "page"
    PICTURE = "picture"
    CACHE = "cache"
    PROBE = "probe"  # how the app speaks HTTP


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer: `headers` in their order, names in lower case; `body` is the SHA-256 of its bytes."""

    status: int
    headers: list[tuple[str, str]]
    body: str

    def header(self, name: str) -> str | None:
        """The value of the first header field called `name` (lower case)."""
        return next((value for key, value in self.headers if key == name), None)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something done or seen between `begin` and `end`, while `scenario` was played."""

    begin: Moment
    end: Moment
    scenario: str


class Request(Event, frozen=True, kw_only=True, tag="request"):
    """A request to the app and its answer, or why there was none (`error`).

    `visit` numbers the page views; a picture fetched because a page shows it has the number of that page.
    `crowd` names the group of visitors that came at once, `probe` which one of `contract.PROBES` it is.
    `server` is the address (host and port) that was asked, where it is not that of `Facts.url`.
    """

    role: Role
    method: str
    url: str
    sent: list[tuple[str, str]] = []
    answer: Answer | None = None
    error: str = ""
    visit: int = 0
    crowd: str = ""
    probe: str = ""
    server: str = ""


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file on the volume: size in bytes, last change in epoch seconds, and its content's SHA-256."""

    name: str
    size: int
    modified: Annotated[float, msgspec.Meta(ge=-LATEST, le=LATEST)]
    body: str


class Volume(Event, frozen=True, kw_only=True, tag="volume"):
    """The files of the cache directory, as one side of the volume has them. Two sides share a `look`."""

    seen_from: str
    look: int
    files: list[File]


class Download(Event, frozen=True, kw_only=True, tag="download"):
    """A request that the image service got, and what it answered; `way` is how it answers just then.

    `picture` is the SHA-256 of the picture, empty where no whole picture was sent; `retry_after` is the
    header of that name, empty where it was not sent.
    """

    way: str
    picture: str = ""
    retry_after: str = ""


class Op(StrEnum):
    """An operation: what is done to the app, its volume or the image service."""

    description: str

    START = "start", "start of the app"
    TAKEOVER = "takeover", "start of the app on the original's files"
    DAMAGE = "damage", "start of the app on damaged files"
    STOP = "stop", "stop of the app"
    RESTART = "restart", "restart of the app"
    KILL = "kill", "kill of the app"
    CRASH = "crash", "crash of the app"
    SCALE = "scale", "another number of processes on the volume"
    LOSE = "lose", "the files on the volume are taken away"
    SPOIL = "spoil", "the files on the volume are cut short"
    DETACH = "detach", "the volume gets out of the app's reach"
    ATTACH = "attach", "the volume gets back within reach"
    SERVE = "serve", "the image service answers in another way from now on"
    REPLACED = "replaced", "what runs the app is replaced by somebody else"
    FAILED = "failed", "what was being done to the app does not come to its end"

    def __new__(cls, value: str, description: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_, member.description = value, description
        return member


class Act(Event, frozen=True, kw_only=True, tag="act"):
    """Something done: `what`.

    `files` are those that were put on the volume, with the SHA-256 of their contents.
    `before` and `after` name what runs the app; `ttl` (seconds) and `source` are what it was started with.
    `emptied` says that a start found an empty volume, `stopped` when the app had stopped before it. `way` is
    how the image service answers from now on.
    """

    what: Op
    ttl: Seconds | None = None
    source: str = ""
    emptied: bool = False
    stopped: Moment | None = None
    before: list[str] = []
    after: list[str] = []
    way: str = ""
    files: dict[str, str] = {}


class Log(Event, frozen=True, kw_only=True, tag="log"):
    """The app's log lines."""

    lines: list[str]


class ClockStep(Event, frozen=True, kw_only=True, tag="clock"):
    """This machine's clock was set by so many seconds, some time between `begin` and `end`."""

    by: float


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What was known before anything was done. `kind` says what the plays are.

    `url`, `ttl` (seconds) and `source` are what `up` was asked for, `directory` is the cache directory as
    the app names it; `entrance` says how visitors came, `rolling` that a restart leaves no gap, `full` that
    nothing was speeded up.
    """

    target: str
    url: str
    kind: Literal["scenarios", "claims"] = "scenarios"
    entrance: str = ""
    ttl: Seconds
    source: str
    directory: str
    rolling: bool
    full: bool
    began_at: Moment


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario as it was played: how often, from when to when, and why it ended early if it did.

    `proves` are the claims that it is there to prove, keys of `contract.CLAIMS`.
    """

    name: str
    title: str
    proves: list[str]
    tries: int
    begin: Moment
    end: Moment
    error: str = ""


class History(msgspec.Struct, kw_only=True):
    """The whole run. `interrupted` says that it was ended before its end."""

    version: int = VERSION
    facts: Facts
    events: list[Request | Volume | Download | Act | Log | ClockStep] = []
    plays: list[Play] = []
    bodies: dict[str, bytes] = {}
    interrupted: bool = False
    ended_at: Moment = 0.0

    def keep(self, body: bytes) -> str:
        """The SHA-256 under which `body` is kept."""
        digest = hashlib.sha256(body).hexdigest()
        self.bodies.setdefault(digest, body)
        return digest

    def answer(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> Answer:
        """An answer whose body is kept, with its header names in small letters."""
        lowered = [(name.lower(), value) for name, value in headers]
        return Answer(status=status, headers=lowered, body=self.keep(body))

    def pages(self) -> Iterator[Request]:
        """The page views that were answered."""
        for event in self.events:
            if isinstance(event, Request) and event.role is Role.PAGE and event.answer:
                yield event

    def to_json(self) -> dict[str, Any]:
        """Plain values; bodies as text where they are UTF-8, else as Base64."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        bodies = {digest: _Body.of(content) for digest, content in self.bodies.items()}
        plain["bodies"] = msgspec.to_builtins(bodies)
        return plain

    @classmethod
    def from_json(cls, plain: object) -> Self:
        """Raises `BadUsageError` where `plain` is no history of this version."""
        try:
            version = msgspec.convert(plain, _Versioned).version
            if version != VERSION:
                raise no_history(f"it has version {version}, not {VERSION}")
            bodies = msgspec.convert(plain, _Saved).bodies
            whole = dict(plain)  # type: ignore[call-overload]
            whole["bodies"] = {digest: body.content for digest, body in bodies.items()}
            history = msgspec.convert(whole, cls)
        except msgspec.ValidationError as error:
            raise no_history(str(error)) from None
        except UnicodeEncodeError:  # JSON can hold a surrogate alone
            raise no_history("a text in it has half a character") from None
        for number, event in enumerate(history.events):
            if not history.bodies.keys() >= {*_named(event, history.facts)}:
                raise no_history(f"the body that event {number} names is missing")
        return history


def _named(event: Event, facts: Facts) -> Iterator[str]:
    """The bodies that are kept of an event. Of another app's volume only the pictures are."""
    match event:
        case Request(answer=Answer(body=body)):
            yield body
        case Download(picture=picture) if picture:
            yield picture
        case Volume(files=files) if facts.kind == "scenarios":
            yield from (file.body for file in files)
        case Act(files=put):
            yield from filter(None, put.values())


def no_history(why: str) -> BadUsageError:
    """What is said of a file that cannot be judged."""
    return BadUsageError("This is not the JSON of a validation", why=why, fix=FIX)


class _Versioned(msgspec.Struct):
    """What is read first of a file."""

    version: int


class _Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """A body in a file: as text where it is UTF-8, else as Base64."""

    text: str | None = None
    base64: bytes | None = None

    def __post_init__(self) -> None:
        if self.text is None and self.base64 is None:
            raise ValueError("Object missing required field `text` or `base64`")

    @classmethod
    def of(cls, content: bytes) -> Self:
        try:
            return cls(text=content.decode())
        except UnicodeDecodeError:
            return cls(base64=content)

    @property
    def content(self) -> bytes:
        return (self.base64 or b"") if self.text is None else self.text.encode()


class _Saved(msgspec.Struct):
    """What is read next: the bodies."""

    bodies: dict[str, _Body]
