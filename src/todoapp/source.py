"""Where new pictures come from: the image service, or the samples in the package.

What a server says about its answer is not believed: a login page that calls itself image/jpeg is no
picture. SVG is left out on purpose, it can carry scripts. Nothing of a visitor's request goes into a fetch.
"""

import asyncio
import functools
import hashlib
import random
import re
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from todoapp.policy import Picture
from todoapp.settings import SAMPLE_URL, without_credentials

if TYPE_CHECKING:
    import httpx

SAMPLES = Path(__file__).with_name("samples")

MAX_BYTES = 10 * 1024 * 1024
"""The largest picture that is taken, from the image service and from the volume."""

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
TOTAL_SECONDS = 20.0
MAX_REDIRECTS = 5

Source = Callable[[str | None], Awaitable[bytes]]
"""Brings the bytes of a whole picture, given the SHA-256 of the one shown now; raises FetchError."""


class FetchError(Exception):
    """Why there is no new picture, in one line; `retry_after` seconds are to pass, if the service said so."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


def source(url: str) -> Source:
    """Returns what brings pictures from `url`, or from the package where it is `sample:`."""
    return functools.partial(fetch_sample, SAMPLES) if url == SAMPLE_URL else functools.partial(fetch, url)


async def fetch_sample(directory: Path, shown: str | None) -> bytes:
    """Returns a random sample, but never the one whose SHA-256 is `shown`."""

    def pick() -> bytes:
        paths = list(directory.glob("*.jpg"))
        random.shuffle(paths)
        for path in paths:
            content = path.read_bytes()
            picture = identify(content)
            if picture and picture.sha256 != shown:
                return content
        raise FetchError(f"no other sample picture in {directory}; install the app again")

    return await asyncio.to_thread(pick)


async def fetch(url: str, _shown: str | None) -> bytes:
    """Returns the picture that `url` answers with; raises FetchError."""
    try:
        # httpx is not imported with the rest: that takes as long again, and the first page need not wait.
        client = await asyncio.to_thread(_client, url)
        shown_url = without_credentials(url)  # httpx logs it
        async with asyncio.timeout(TOTAL_SECONDS), client, client.stream("GET", shown_url) as answer:
            content = await _body(answer)
    except FetchError:
        raise
    except TimeoutError:
        raise FetchError(f"no whole picture within {TOTAL_SECONDS:g} s") from None
    except Exception as error:  # noqa: BLE001 - network, proxy, certificates: whatever it is, it is no picture
        raise FetchError(without_credentials(one_line(error))) from None
    if identify(content) is None:
        said = one_line(answer.headers.get("content-type", "no type"))
        raise FetchError(f"answered {len(content)} bytes of {said}: no whole picture")
    return content


@functools.cache
def prepare(scheme: str) -> ssl.SSLContext:
    """Loads what a fetch needs, which takes a while. Returns the certificates for an http or https URL."""
    import httpx

    try:
        return httpx.create_ssl_context()
    except OSError as error:
        if scheme == "https":
            why = "cannot read the certificates that SSL_CERT_FILE or SSL_CERT_DIR name"
            raise FetchError(f"{why}: {one_line(error)}") from None
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which trusts nobody, should it be redirected


def _client(url: str) -> "httpx.AsyncClient":
    import httpx

    address = urlsplit(url)
    user, password = unquote(address.username or ""), unquote(address.password or "")
    return httpx.AsyncClient(
        verify=prepare(address.scheme),
        auth=(user, password) if "@" in address.netloc else None,
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
        trust_env=not _is_here(address.hostname or ""),  # no proxy leads back to this machine
        headers={
            "User-Agent": "todoapp",
            "Accept": "image/avif,image/webp,image/png,image/jpeg,image/gif",
            # As sent is as kept: what would unpack to gigabytes is just no picture.
            "Accept-Encoding": "identity",
        },
    )


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


async def _body(answer: "httpx.Response") -> bytes:
    if answer.status_code != 200:
        wait = retry_after(answer.headers.get("retry-after", ""))
        raise FetchError(f"answered {answer.status_code} {one_line(answer.reason_phrase)}", wait)
    content = bytearray()
    async for part in answer.aiter_raw():
        content += part
        if len(content) > MAX_BYTES:
            raise FetchError(f"answered more than {MAX_BYTES} bytes")
    return bytes(content)


def retry_after(value: str) -> float:
    """Returns the seconds that a `Retry-After` asks for (RFC 9110, 10.2.3), 0 where it means none."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # no date, or one with a number that no date can have
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def one_line(text: object) -> str:
    """Text from outside as one line that may stand in a log."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line[:200] or type(text).__name__


def identify(content: bytes) -> Picture | None:
    """Returns what `content` is, or None where it is no whole picture of a type that browsers show.

    Bytes may follow its end: phones put a film or a depth map there, and browsers do not mind.
    """
    content_type = _content_type(content)
    if content_type is None or len(content) > MAX_BYTES:
        return None
    return Picture(sha256=hashlib.sha256(content).hexdigest(), content_type=content_type, size=len(content))


def _content_type(content: bytes) -> str | None:
    # Signatures as in https://mimesniff.spec.whatwg.org/
    found = None
    if content.startswith(b"\xff\xd8\xff"):
        found = "image/jpeg" if _jpeg_ends(content) else None
    elif content.startswith(b"\x89PNG\r\n\x1a\n"):
        found = "image/png" if b"\0\0\0\0IEND\xaeB`\x82" in content else None
    elif content.startswith((b"GIF87a", b"GIF89a")):
        found = "image/gif" if _gif_ends(content) else None
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        found = "image/webp" if int.from_bytes(content[4:8], "little") + 8 <= len(content) else None
    elif content[4:8] == b"ftyp" and re.search(rb"avi[fs]", content[8:64]):
        found = "image/avif" if _avif_ends(content) else None
    return found


JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd8]")  # in the compressed data there is none


def _jpeg_ends(content: bytes) -> bool:
    """Whether the End Of Image marker is there; one within a segment is a thumbnail's."""
    at = 2
    while marker := JPEG_MARKER.search(content, at):
        if marker[0] == b"\xff\xd9":
            return True
        at = marker.end()
        at += int.from_bytes(content[at : at + 2], "big")
    return False


def _gif_ends(content: bytes) -> bool:
    """Whether all blocks are there up to the trailer (GIF89a, 17 to 27)."""

    def table(flags: int) -> int:
        return 3 * 2 ** (flags % 8 + 1) if flags & 0x80 else 0

    try:
        at = 13 + table(content[10])
        while content[at] != 0x3B:
            at += 11 + table(content[at + 9]) if content[at] == 0x2C else 2  # an image, or an extension
            while content[at]:  # sub-blocks, up to an empty one
                at += 1 + content[at]
            at += 1
    except IndexError:
        return False
    return True


def _avif_ends(content: bytes) -> bool:
    """Whether the box of the picture's data is there to its end (ISO/IEC 14496-12, 4.2)."""
    at = 0
    while at + 8 <= len(content):
        size, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        if size == 1:
            size = int.from_bytes(content[at + 8 : at + 16], "big")
        elif size == 0 and kind == b"mdat":  # up to the end
            size = len(content) - at
        at += size
        if size < 8 or at > len(content):
            return False
        if kind == b"mdat":
            return True
    return False
