"""What is right of a single answer, whatever the cache holds: status, headers, form."""

import io
import warnings
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from todoctl.validation.contract import PROBES
from todoctl.validation.history import Answer, Request
from todoctl.validation.reading import LABELS, Document, Page

HEADING = "The Project App"
LINE = "DevOps with Kubernetes 2025"

SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}
"""Header fields of every answer, beside the policy."""

OTHER_KEYS = ("ttl", "image", "source", "last_error")
"""Of `/api/cache`, beside those of `reading.STATE`."""

POLICY, OWN = "content-security-policy", "default-src 'none'"


class Finding(NamedTuple):
    """An expectation of one answer, and what was seen."""

    claim: str
    name: str
    expected: str
    seen: str


@lru_cache(maxsize=256)
def media_type(content: bytes) -> str | None:
    """The type of a whole picture that decodes; None for anything else."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large pictures are the contract's matter
            with Image.open(io.BytesIO(content)) as picture:
                picture.load()
                return picture.get_format_mimetype()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def _header(claim: str, answer: Answer, name: str, expected: str) -> Finding:
    return Finding(claim, name, expected, answer.header(name) or "none")


def _security(answer: Answer) -> list[Finding]:
    found = [_header("security", answer, name, value) for name, value in SECURITY.items()]
    policy = answer.header(POLICY) or "none"
    nothing = policy if _is_closed(policy) else f"{OWN} and no other source"
    return [*found, Finding("security", POLICY, nothing, policy)]


def _is_closed(policy: str) -> bool:
    """Whether a Content-Security-Policy lets nothing in but the app's own."""
    directives = [directive.split() for directive in policy.split(";")]
    return OWN in policy and all(
        set(sources) <= {"'none'", "'self'"} for _, *sources in filter(None, directives)
    )


def page(answer: Answer, read: Page) -> list[Finding]:
    """Of an answer to `GET /` whose status is 200."""
    return [
        _header("page", answer, "content-type", "text/html; charset=utf-8"),
        _header("page", answer, "cache-control", "no-store"),
        *_security(answer),
        Finding("heading", "title", HEADING, read.title),
        Finding("heading", "heading", HEADING, read.heading),
        Finding("line", "line", LINE, LINE if LINE in read.text else "not on the page"),
        Finding("labels", "labels", ", ".join(LABELS), ", ".join(read.labels) or "none"),
        *(Finding(*fault) for fault in read.faults),
        *_shown(read),
    ]


def _shown(read: Page) -> list[Finding]:
    if read.picture is None:
        return [Finding("page-picture", "picture", 'an <img id="picture">', "none")]
    place = urlsplit(read.picture)
    local = not place.scheme and not place.netloc
    empty = read.told.get("status") == "empty"
    documented = place.path.startswith("/static/") if empty else place.path == "/image" and bool(place.query)
    expected = "/static/…" if empty else "/image?v=…"
    return [
        Finding(
            "page-picture",
            "address",
            expected,
            expected if local and documented else read.picture[:80] or "none",
        ),
        Finding("page-picture", "alt text", "some", "some" if read.alt.strip() else "none"),
    ]


def picture(answer: Answer, content: bytes, digest: str) -> list[Finding]:
    """Of an answer to `GET /image`."""
    if answer.status == 503:
        return [
            Finding("picture", "Retry-After", "some", "some" if answer.header("retry-after") else "none"),
            *_security(answer),
        ]
    found = media_type(content)
    return [
        Finding("picture", "status", "200", str(answer.status)),
        Finding("whole", "bytes", found or "a whole picture", found or f"{len(content)} bytes that are none"),
        _header("picture-headers", answer, "content-type", found or "the picture's"),
        _header("picture-headers", answer, "content-length", str(len(content))),
        _header("picture-headers", answer, "etag", f'"{digest}"'),
        _header("picture-headers", answer, "cache-control", "no-cache"),
        *_security(answer),
    ]


def cache(answer: Answer, read: Document) -> list[Finding]:
    """Of an answer to `GET /api/cache`."""
    missing = [f"no {key}" for key in OTHER_KEYS if key not in read.rest]
    return [
        Finding("state", "status", "200", str(answer.status)),
        _header("state", answer, "content-type", "application/json"),
        _header("state", answer, "cache-control", "no-store"),
        *_security(answer),
        Finding("state-keys", "keys", "as documented", ", ".join([*read.wrong, *missing]) or "as documented"),
    ]


def probe(request: Request, answer: Answer) -> list[Finding]:
    """Of an answer to one of `PROBES`."""
    known = PROBES.get(request.probe)
    if known is None:
        return []
    claim, status = known.claim, known.status
    found = [Finding(claim, request.probe, str(status), str(answer.status)), *_security(answer)]
    if claim == "head":
        found.append(_header(claim, answer, "content-type", "text/html; charset=utf-8"))
        found.append(_header(claim, answer, "cache-control", "no-store"))
    if status == 304:
        found.append(_header(claim, answer, "etag", dict(request.sent).get("if-none-match", "")))
    if status == 405:
        found.append(_header(claim, answer, "allow", "GET, HEAD"))
    return found


def last_error(told: object) -> list[Finding]:
    """Of `last_error`: null, or one line that can be read."""
    text = told if isinstance(told, str) else ""
    well = told is None or (text.isprintable() and not text.isspace() and text != "")
    expected = "one line, or null"
    return [Finding("last-error", "last_error", expected, expected if well else repr(told))]
