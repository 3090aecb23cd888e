"""Getting a new picture: from the image service over HTTP, or one of those in the package.

Limits: `CONNECT_TIMEOUT`, `READ_TIMEOUT` and `TOTAL_TIMEOUT` in seconds, `MAX_REDIRECTS`, and
`picture.MAX_BYTES`. Nothing of a visitor's request goes into a fetch.
"""

import asyncio
import functools
import random
import ssl
import sys
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from todoapp.picture import MAX_BYTES, identify
from todoapp.settings import SAMPLE_URL

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 10.0
TOTAL_TIMEOUT = 20.0
MAX_REDIRECTS = 5

Source = Callable[[str | None], Awaitable[bytes]]
"""Brings a whole picture, given the SHA-256 of the one now shown; FetchError where it cannot."""


class FetchError(Exception):
    """Why there is no new picture, in one line; `retry_after` seconds are to pass, if it said so."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


def source(url: str, samples: Path) -> Source:
    """Where pictures come from: `url`, or the *.jpg in `samples` where it is `sample:`."""
    return Samples(samples) if url == SAMPLE_URL else ImageService(url)


def prepare(url: str) -> None:
    """Load what a fetch from `url` needs, so that no visitor has to wait for that. Takes a while."""
    if url != SAMPLE_URL:
        _client()


class Samples:
    """The pictures in a directory, a random one each time but never the one now shown."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def __call__(self, shown: str | None) -> bytes:
        """The bytes of another sample than the one whose SHA-256 is `shown`."""
        return await asyncio.to_thread(self._pick, shown)

    def _pick(self, shown: str | None) -> bytes:
        paths = list(self._directory.glob("*.jpg"))
        random.shuffle(paths)
        for path in paths:
            content = path.read_bytes()
            picture = identify(content)
            if picture and picture.sha256 != shown:
                return content
        raise FetchError(f"no other sample picture in {self._directory}; install the app again")


class ImageService:
    """The image service at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __call__(self, shown: str | None) -> bytes:  # noqa: ARG002 - it shows what it likes
        """The bytes of the picture that it answers with."""
        # Not imported with the rest: it takes as long as all of that, and the first page need not wait.
        client = await asyncio.to_thread(_client)
        import httpx

        try:
            async with (
                asyncio.timeout(TOTAL_TIMEOUT),
                client,
                client.stream("GET", self._url) as answer,
            ):
                content = await _body(answer)
        except TimeoutError:
            raise FetchError(f"no whole picture within {TOTAL_TIMEOUT:g} s") from None
        except httpx.TimeoutException as error:
            raise FetchError(f"no answer in time ({type(error).__name__})") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise FetchError(_line(error)) from None
        if identify(content) is None:
            said = _line(answer.headers.get("content-type", "no type"))
            raise FetchError(f"answered {len(content)} bytes of {said}: no whole picture")
        return content


_loading = threading.Lock()
"""Held while the certificates are read: the start's fetch may come while `prepare` is at it."""


@functools.cache
def _tls() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()  # reads all certificates there are: once is enough


def _client() -> "httpx.AsyncClient":
    # Its command line is not ours: it would load all of rich where that is installed.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    import httpx

    with _loading:
        tls = _tls()
    return httpx.AsyncClient(
        verify=tls,
        timeout=httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
        follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
        headers={
            "User-Agent": "todoapp",
            "Accept": "image/avif,image/webp,image/png,image/jpeg,image/gif",
            # As sent is as kept: what would unpack to gigabytes is just no picture.
            "Accept-Encoding": "identity",
        },
    )


async def _body(answer: "httpx.Response") -> bytes:
    if answer.status_code != 200:
        retry_after = _seconds(answer.headers.get("retry-after", ""))
        raise FetchError(f"answered {answer.status_code} {_line(answer.reason_phrase)}", retry_after)
    content = bytearray()
    async for part in answer.aiter_raw():
        content += part
        if len(content) > MAX_BYTES:
            raise FetchError(f"answered more than {MAX_BYTES} bytes")
    return bytes(content)


def _seconds(retry_after: str) -> float:
    """Seconds until the moment a `Retry-After` means (RFC 9110, 10.2.3), 0 where it means none."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):  # no date, or one with a number that no date can have
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _line(text: object) -> str:
    """Text from outside as one line that may stand in a log."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line[:200] or type(text).__name__
