"""Which picture a page shows, as its HTML says; and which bytes are one."""

import base64
import binascii
import io
import warnings
from functools import lru_cache
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

SMALLEST = 50
"""Pixels of either side: what is smaller is an icon."""

NEAR = 6.0
"""Of 255: how far the colours of the same picture are apart on average, after it was encoded again."""

MOST = 12
"""Images of a page that are asked for."""


@lru_cache(maxsize=256)
def addresses(html: str, page: str) -> tuple[str, ...]:
    """The images of the page at the address `page` (absolute, or `data:`), in their order."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(html, "html.parser")
    base = soup.find("base", href=True)
    home = _joined(page, str(base["href"])) if base else page
    found = []
    for image in soup.find_all("img"):
        source = str(image.get("src") or "").strip()
        source = source or str(image.get("srcset") or "").strip().split(" ")[0].rstrip(",")
        address = _joined(home or page, source) if source else ""
        if address and not urlsplit(address).path.lower().endswith((".svg", ".ico")):
            found.append(address)
    return tuple(dict.fromkeys(found))[:MOST]


def _joined(page: str, source: str) -> str:
    """An address as `page` names it; empty where it is none."""
    try:
        return urljoin(page, source)
    except ValueError:
        return ""


def in_address(address: str) -> tuple[str, bytes] | None:
    """Type and bytes that a `data:` address holds; None for any other, and for one that is damaged."""
    head, comma, rest = address.partition(",")
    if not head.lower().startswith("data:") or not comma:
        return None
    content = unquote_to_bytes(rest)
    kind, *parameters = head[len("data:") :].split(";")
    if "base64" in [parameter.strip().lower() for parameter in parameters]:
        try:
            content = base64.b64decode(b"".join(content.split()))
        except binascii.Error:
            return None
    return kind.strip().lower() or "text/plain", content


@lru_cache(maxsize=256)
def fault(content: bytes) -> str:
    """Why these bytes are not the picture of a page; empty where they are."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as picture:
                picture.load()
                width, height = picture.size
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return f"{len(content)} bytes that are no picture"
    return f"an icon of {width} x {height} pixels" if min(width, height) < SMALLEST else ""


@lru_cache(maxsize=256)
def alike(one: bytes, other: bytes) -> bool:
    """Whether both are the same picture to the eye, whatever their sizes and types."""
    if not one or not other or fault(one) or fault(other):
        return False
    first, second = (_small(content) for content in (one, other))
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) / len(first) < NEAR


def _small(content: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as picture:
        return picture.convert("RGB").resize((16, 16)).tobytes()
