"""What a page or a JSON document says of the cache, whatever its bytes are: they are a stranger's."""

import json
import re
import warnings
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urljoin

from msgspec import UNSET, UnsetType

from todoctl.evidence.history import Answer, History
from todoctl.evidence.pictures import cached
from todoctl.evidence.times import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bs4 import BeautifulSoup, Tag

MILLISECOND = 0.001

LABELS = (
    "Image Download time",
    "Image Expiry time",
    "Site Access count",
    "Image Access count",
    "Last Site Access",
    "Status",
)
TIMES = {"Image Download time": "downloaded", "Image Expiry time": "expires", "Last Site Access": "last_view"}
COUNTS = {"Site Access count": "views", "Image Access count": "picture_views"}
WORDS = {
    "valid": "Valid",
    "grace": "Grace period",
    "stale": "Old picture kept",
    "empty": "No picture yet",
    "expired": "Expired",
}
"""How the page names each status."""

STATE = {
    "status": "status",
    "downloaded_at": "downloaded",
    "expires_at": "expires",
    "last_access_at": "last_view",
    "grace_used": "grace_spent",
    "access_count": "views",
    "image_access_count": "picture_views",
}
"""Keys of `/api/cache`."""

METADATA = {
    "download_timestamp": "downloaded",
    "last_access_time": "last_view",
    "grace_period_used": "grace_spent",
    "access_count": "views",
    "image_access_count": "picture_views",
}
"""Keys of `cache_metadata.json`, the original's."""

STATE_FILE, PICTURE_FILE = "cache_metadata.json", "cached_image.jpg"
"""What the volume holds."""

MAX_COUNT, MAX_SECONDS = 2**63, 2**53
"""Counts and times are below (docs/contract.md)."""

MAX_TEXT = 500_000
"""Characters of a page that are read, without the pictures in it."""

MAX_IMAGES = 100

STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")

MOMENTS = {"downloaded", "expires", "last_view"}

DATA_URL = re.compile(r"data:image/[^\s\"'<>()]{200,}")
"""A picture inside a page."""

CSS_URL = re.compile(
    r"url\(\s{0,9}(?:\"([^\"\n]{1,2000})\"|'([^'\n]{1,2000})'|([^\s'\"()]{1,2000}))\s{0,9}\)", re.IGNORECASE
)
"""With bounds, so that no text takes long."""

Value = TypeVar("Value")


Moment = Span | UnsetType | None


@dataclass(slots=True, kw_only=True)
class Observation:
    """What was said of the cache. `picture` (SHA-256) and the times are None where there are none.

    What was not said is `UNSET` there and None elsewhere; `status` is one of `WORDS`.
    """

    picture: str | UnsetType | None = UNSET
    status: str | None = None
    views: int | None = None
    picture_views: int | None = None
    downloaded: Moment = UNSET
    expires: Moment = UNSET
    last_view: Moment = UNSET
    grace_spent: bool | None = None
    error: bool | None = None

    def known(self) -> dict[str, Any]:
        """Returns what was said, by name."""
        values = {one.name: (getattr(self, one.name), one.default) for one in fields(self)}
        return {name: value for name, (value, unsaid) in values.items() if value is not unsaid}


def or_none(value: Value | UnsetType | None) -> Value | None:
    """Returns what was said; None where nothing was."""
    return None if isinstance(value, UnsetType) else value


class Image(NamedTuple):
    """An image that a page names: its address (absolute, or `data:`), and by which attribute.

    `kind` is `css` for one in a style, and begins with `data-` where a script puts it instead of it.
    """

    address: str
    kind: str


@dataclass(slots=True, kw_only=True)
class Page:
    """The page as a reader sees it. `faults` are what is not as documented: claim, name, expected, seen.

    `images` are in the page's order, icons and logos too; `parts` are what a browser loads for our page.
    """

    observed: Observation = field(default_factory=Observation)
    picture: str | None = None
    title: str = ""
    heading: str = ""
    text: str = ""
    labels: list[str] = field(default_factory=list)
    alt: str = ""
    parts: list[tuple[str, str]] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    stylesheets: list[str] = field(default_factory=list)
    scripts: bool = False
    faults: list[tuple[str, str, str, str]] = field(default_factory=list)

    def fault(self, claim: str, name: str, expected: str, seen: str) -> None:
        self.faults.append((claim, name, expected, seen))


def answered(history: History, answer: Answer) -> Page:
    """Returns the page in an answer."""
    return page(history.bodies[answer.body])


@cached
def page(content: bytes, address: str = "") -> Page:
    """Returns what the page at `address` says; never raises. It is shared, and not to be changed."""
    from bs4 import BeautifulSoup

    inside: list[str] = []
    text = DATA_URL.sub(lambda found: _kept(found[0], inside), _decoded(content))[:MAX_TEXT]
    found = Page()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what looks like no HTML
            soup = BeautifulSoup(text, "lxml")
        _read_page(found, soup)
        _read_images(found, soup, address, inside)
    except Exception as error:  # noqa: BLE001 - a parser of strangers' bytes raises what it likes
        found.fault("page", "HTML", "a page that can be read", f"{type(error).__name__}: {error}"[:200])
    return found


def _decoded(content: bytes) -> str:
    return content.decode(errors="replace").replace("\0", "�")


def _kept(address: str, inside: list[str]) -> str:
    """Keeps a picture, which a parser of HTML has no use for; returns what stands in for it."""
    inside.append(address)
    return f"data:#{len(inside) - 1}"


def _read_page(found: Page, soup: "BeautifulSoup") -> None:
    found.title = soup.title.get_text(strip=True) if soup.title else ""
    heading = soup.find("h1")
    found.heading = heading.get_text(strip=True) if heading else ""
    found.text = " ".join(soup.get_text(" ").split())
    image = soup.find("img", id="picture")
    if image is not None:
        found.picture, found.alt = str(image.get("src") or ""), str(image.get("alt") or "")
    parts = map(_part, soup.find_all(["link", "script", "img"]))
    found.parts = [(name, address) for name, address in parts if address]
    box = soup.find("dl", id="metadata")
    if box is None:
        found.fault("labels", "metadata box", 'a <dl id="metadata">', "none")
        return
    word = ""
    for name in box.find_all("dt"):
        label, value = name.get_text(strip=True), name.find_next_sibling("dd")
        found.labels.append(label)
        if value is not None:
            text, moment = value.get_text(strip=True), value.find("time")
            word = text if label == "Status" else word
            _read_label(found, label, text, str(moment.get("datetime") or "") if moment else None)
    status = str(box.get("data-status") or "")
    if status not in WORDS:
        found.fault("labels", "data-status", " or ".join(WORDS), status or "none")
    elif WORDS[status] != word:
        found.fault("labels", "Status", f"{WORDS[status]} (data-status {status})", word or "none")
    else:
        found.observed.status = status


LINKS = {"stylesheet": "the page's style", "icon": "the page's icon"}
"""What a `<link>` names, by its `rel`; of any other a browser loads nothing for the page."""


def _part(tag: "Tag") -> tuple[str, str]:
    address = str(tag.get("href" if tag.name == "link" else "src") or "")
    if tag.name == "link":
        rel = tag.get("rel") or ""
        return next((name for kind, name in LINKS.items() if kind in rel), "a link"), address
    if tag.name == "script":
        return "the page's script", address
    return "the placeholder" if address.startswith("/static/") else "a picture", address


def _read_label(found: Page, label: str, text: str, stamp: str | None) -> None:
    if label in COUNTS:
        if re.fullmatch("[0-9]{1,19}", text):
            setattr(found.observed, COUNTS[label], int(text))
        else:
            found.fault("labels", label, "plain decimal digits", repr(text))
    elif label in TIMES:
        try:
            setattr(found.observed, TIMES[label], _stamped(text, stamp))
        except ValueError as error:
            found.fault("labels", label, "a <time> in ISO 8601, UTC, milliseconds, Z, or –", str(error))


def _stamped(text: str, stamp: str | None) -> Span | None:
    """The instant that a label means; raises `ValueError` where text and stamp make no documented time."""
    if stamp is None:
        if text != "–":
            raise ValueError(repr(text))
        return None
    if not STAMP.fullmatch(stamp):
        raise ValueError(repr(stamp))
    moment = datetime.fromisoformat(stamp)
    if text != f"{moment:%Y-%m-%d %H:%M:%S} UTC":
        raise ValueError(f"{text!r} beside {stamp!r}")
    return Span(moment.timestamp(), moment.timestamp() + MILLISECOND)


IMAGES = {
    "img": ("src", "srcset"),
    "source": ("srcset",),
    "input": ("src",),
    "image": ("href", "xlink:href"),
    "object": ("data",),
    "embed": ("src",),
    "video": ("poster",),
    "body": ("background",),
}
"""Which attributes of which elements name images."""

LAZY = ("data-src", "data-srcset", "data-original", "data-lazy", "data-lazy-src", "data-url", "data-bg")
"""Attributes of any element that a script makes the image's address."""


def _read_images(found: Page, soup: "BeautifulSoup", address: str, inside: list[str]) -> None:
    base = soup.find("base", href=True)
    home = joined(address, str(base["href"])) if base else address
    for tag in soup.find_all(True):
        for kind, source in _sources(tag):
            known = re.fullmatch("data:#([0-9]{1,9})", source)
            if known and int(known[1]) < len(inside):
                found.images.append(Image(inside[int(known[1])], kind))
            elif there := joined(home or address, source):
                found.images.append(Image(there, kind))
        if tag.name == "link" and "stylesheet" in (tag.get("rel") or "") and tag.get("href"):
            found.stylesheets.append(joined(home or address, str(tag["href"])))
    found.images = list(dict.fromkeys(found.images))[:MAX_IMAGES]
    found.scripts = soup.find("script") is not None


def _sources(tag: "Tag") -> "Iterator[tuple[str, str]]":
    """What names images in one element."""
    for kind in (*IMAGES.get(tag.name, ()), *LAZY):
        source = str(tag.get(kind) or "").strip()
        if kind.endswith("srcset"):
            source = source.split(" ")[0].rstrip(",")
        if source:
            yield kind, source
    style = tag.get_text() if tag.name == "style" else str(tag.get("style") or "")
    yield from (("css", source) for source in _css_urls(style))


def css_images(css: str, address: str) -> list[str]:
    """Returns the images that the style sheet at `address` names."""
    found = (joined(address, source) for source in _css_urls(css))
    return list(dict.fromkeys(filter(None, found)))[:MAX_IMAGES]


def _css_urls(css: str) -> "Iterator[str]":
    for found in CSS_URL.finditer(css[:MAX_TEXT]):
        source = found[1] or found[2] or found[3] or ""
        if source and not re.search(r"\.(woff2?|ttf|otf|eot|css)([?#]|$)", source, re.IGNORECASE):
            yield source


def joined(page: str, source: str) -> str:
    """Returns the address that `page` names by `source`; empty where it is none."""
    try:
        return urljoin(page, source)
    except ValueError:
        return ""


@dataclass(slots=True, kw_only=True)
class Document:
    """A JSON object: what it says of the cache, the rest by key, and what is not as documented."""

    observed: Observation = field(default_factory=Observation)
    rest: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def document(content: bytes, keys: dict[str, str]) -> Document:
    """Returns what `/api/cache` (keys `STATE`) or `cache_metadata.json` (`METADATA`) says; never raises."""
    found = Document()
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        found.wrong.append(f"no JSON: {error}")
        return found
    if not isinstance(value, dict):
        found.wrong.append("no JSON object")
        return found
    for key, name in keys.items():
        one = value.get(key)
        if key not in value:
            found.wrong.append(f"no {key}")
        elif not _fits(name, one):
            found.wrong.append(f"{key}: {one!r}"[:200])
        else:
            setattr(found.observed, name, Span(one, one) if name in MOMENTS and one is not None else one)
    found.rest = {key: one for key, one in value.items() if key not in keys}
    return found


def _fits(name: str, value: object) -> bool:
    if name == "status":
        return isinstance(value, str) and value in WORDS
    if name == "grace_spent" or isinstance(value, bool):
        return name == "grace_spent" and isinstance(value, bool)
    if name in MOMENTS:
        return value is None or (isinstance(value, int | float) and 0 <= value < MAX_SECONDS)
    return isinstance(value, int) and 0 <= value < MAX_COUNT
