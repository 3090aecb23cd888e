"""What an answer or a file tells of the cache, in the model's terms; what it does not tell is left out."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from todoctl.evidence.history import Answer, History
from todoctl.evidence.times import Span

if TYPE_CHECKING:
    from bs4 import Tag

MILLISECOND = 0.001

Told = dict[str, Any]
"""By name: `status` (as `/api/cache` has it), `picture` (SHA-256, None where there is none), `downloaded`,
`expires`, `last_view` (each a `Span` or None), `grace_spent`, `views`, `picture_views`, `error` (a bool)."""

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

MOST_COUNTS, MOST_SECONDS = 2**63, 2**53
"""Counts and times are below (docs/contract.md)."""

MAX_IMAGES = 12
"""Images of a page that are asked for."""

MOMENTS = {"downloaded", "expires", "last_view"}


@dataclass(slots=True, kw_only=True)
class Page:
    """The page as a reader sees it. `faults` are what is not as documented, by claim."""

    told: Told = field(default_factory=dict)
    picture: str | None = None
    title: str = ""
    heading: str = ""
    text: str = ""
    labels: list[str] = field(default_factory=list)
    alt: str = ""
    parts: list[tuple[str, str]] = field(default_factory=list)
    """What a browser loads for it, and from where: names of `contract.PARTS`, or a picture."""
    faults: list[tuple[str, str, str, str]] = field(default_factory=list)

    def fault(self, claim: str, name: str, expected: str, seen: str) -> None:
        self.faults.append((claim, name, expected, seen))


def answered(history: History, answer: Answer) -> Page:
    """The page in an answer."""
    return page(history.bodies[answer.body].decode(errors="replace"))


@lru_cache(maxsize=1024)
def page(html: str) -> Page:
    """Reads the page; never raises. What it gives is shared, and not to be changed."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(html, "html.parser")
    found = Page()
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
        return found
    for name in box.find_all("dt"):
        label, value = name.get_text(strip=True), name.find_next_sibling("dd")
        found.labels.append(label)
        if value is not None:
            moment = value.find("time")
            stamp = str(moment.get("datetime") or "") if moment else None
            _read_label(found, label, value.get_text(strip=True), stamp)
    status = str(box.get("data-status") or "")
    if status not in WORDS:
        found.fault("labels", "data-status", " or ".join(WORDS), status or "none")
    elif WORDS[status] != found.told.get("word"):
        found.fault(
            "labels", "Status", f"{WORDS[status]} (data-status {status})", str(found.told.get("word"))
        )
    else:
        found.told["status"] = status
    found.told.pop("word", None)
    return found


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
    if label == "Status":
        found.told["word"] = text
    elif label in COUNTS:
        if text.isascii() and text.isdigit():
            found.told[COUNTS[label]] = int(text)
        else:
            found.fault("labels", label, "plain decimal digits", repr(text))
    elif label in TIMES:
        try:
            found.told[TIMES[label]] = _stamped(text, stamp)
        except ValueError as error:
            found.fault("labels", label, "a <time> in ISO 8601, UTC, milliseconds, Z, or –", str(error))


def _stamped(text: str, stamp: str | None) -> Span | None:
    """The instant that a label means; raises `ValueError` where text and stamp make no documented time."""
    if stamp is None:
        if text != "–":
            raise ValueError(repr(text))
        return None
    if len(stamp) != len("2026-11-23T07:03:43.851Z") or not stamp.endswith("Z"):
        raise ValueError(repr(stamp))
    moment = datetime.fromisoformat(stamp)
    if text != f"{moment:%Y-%m-%d %H:%M:%S} UTC":
        raise ValueError(f"{text!r} beside {stamp!r}")
    return Span(moment.timestamp(), moment.timestamp() + MILLISECOND)


@dataclass(slots=True, kw_only=True)
class Document:
    """A JSON object: what it tells of the cache, the rest by key, and the keys that are not as documented."""

    told: Told = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def document(content: bytes, keys: dict[str, str]) -> Document:
    """Reads `/api/cache` (keys `STATE`) or `cache_metadata.json` (`METADATA`); never raises."""
    found = Document()
    try:
        value = json.loads(content)
    except ValueError as error:
        found.wrong.append(f"no JSON: {error}")
        return found
    if not isinstance(value, dict):
        found.wrong.append("no JSON object")
        return found
    for key, name in keys.items():
        if key not in value:
            found.wrong.append(f"no {key}")
        elif not _fits(name, value[key]):
            found.wrong.append(f"{key}: {value[key]!r}")
        else:
            told = value[key]
            found.told[name] = Span(told, told) if name in MOMENTS and told is not None else told
    found.rest = {key: told for key, told in value.items() if key not in keys}
    return found


def _fits(name: str, value: object) -> bool:
    if name == "status":
        return value in WORDS
    if name == "grace_spent":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if name in MOMENTS:
        return value is None or (isinstance(value, int | float) and 0 <= value < MOST_SECONDS)
    return isinstance(value, int) and 0 <= value < MOST_COUNTS


@lru_cache(maxsize=256)
def image_addresses(html: str, page: str) -> tuple[str, ...]:
    """The images of the page at the address `page` (absolute, or `data:`), in their order."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(html, "html.parser")
    base = soup.find("base", href=True)
    home = joined(page, str(base["href"])) if base else page
    found = []
    for image in soup.find_all("img"):
        source = str(image.get("src") or "").strip()
        source = source or str(image.get("srcset") or "").strip().split(" ")[0].rstrip(",")
        address = joined(home or page, source) if source else ""
        if address and not urlsplit(address).path.lower().endswith((".svg", ".ico")):
            found.append(address)
    return tuple(dict.fromkeys(found))[:MAX_IMAGES]


def joined(page: str, source: str) -> str:
    """Returns the address that `page` names by `source`; empty where it is none."""
    try:
        return urljoin(page, source)
    except ValueError:
        return ""
