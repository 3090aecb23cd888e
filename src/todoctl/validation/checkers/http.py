"""Single answers, whatever the cache holds: their status, their header fields, their form."""

import json
import re
from collections.abc import Iterator, Mapping
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from todoctl.evidence import pages as reading
from todoctl.evidence.history import Act, Answer, Op, Request, Role
from todoctl.evidence.pages import LABELS, STATE, Document, Page
from todoctl.evidence.pictures import media_type
from todoctl.evidence.verdict import Check
from todoctl.validation.checkers.policy import Replayed
from todoctl.validation.checkers.timeline import Findings, Timeline
from todoctl.validation.probes import PROBES, UNCHANGED

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

IMAGE_KEYS = ("sha256", "content_type", "size")
"""Of `image` in there, where it is not null."""

POLICY = "content-security-policy"

DIGEST = re.compile(r'"[0-9a-f]{64}"')
"""A strong entity tag with a SHA-256."""

FETCHED = {"a picture": "img-src", "the page's style": "style-src", "the page's script": "script-src"}
"""Of what a page may have (`reading.Page.parts`), what its policy has to let in."""


class Finding(NamedTuple):
    """An expectation of one answer, and what was seen."""

    claim: str
    name: str
    expected: str
    seen: str


def check(timeline: Timeline, _: Replayed) -> list[Check]:
    """Returns what is found of each answer by itself."""
    findings = Findings()
    events = timeline.history.events
    restarts = [act for act in events if isinstance(act, Act) and act.what is Op.RESTART]
    for number, event in timeline.order:
        if not isinstance(event, Request):
            continue
        meanwhile = any(act.begin <= event.begin < act.end for act in restarts)
        for found in _request(timeline, number, event, meanwhile=meanwhile):
            findings.same(number, *found)
    return findings.checks


def _request(timeline: Timeline, number: int, event: Request, *, meanwhile: bool) -> Iterator[Finding]:
    """`meanwhile`: while the app was being restarted."""
    answer, bodies = event.answer, timeline.history.bodies
    if event.role is Role.PAGE:
        well = number in timeline.pages
        if meanwhile or not well:
            claim = "restart-answers" if meanwhile else "page"
            seen = f"status {answer.status}" if answer else event.error
            yield _met(claim, "page view", "status 200", seen, met=well)
        if answer and well:
            yield from page(answer, timeline.pages[number])
    elif answer is None:
        yield Finding("health", f"{event.method} {event.url}", "an answer", event.error)
    elif event.role is Role.PICTURE:
        yield from picture(answer, bodies[answer.body], answer.body)
    elif event.role is Role.CACHE:
        read = reading.document(bodies[answer.body], STATE)
        yield from cache(answer, read)
        if answer.status == 200:
            yield last_error(read.rest.get("last_error"))
            yield from _image_facts(read.rest.get("image"), bodies)
    else:
        yield from probe(event, answer, bodies, proxied=timeline.history.facts.rolling)


def _image_facts(image: object, bodies: Mapping[str, bytes]) -> Iterator[Finding]:
    """What `/api/cache` says of a picture, beside that picture's bytes."""
    said = image if isinstance(image, dict) else {}
    if (content := bodies.get(str(said.get("sha256")))) is not None:
        yield Finding("image-facts", "content_type", str(media_type(content)), str(said.get("content_type")))
        yield Finding("image-facts", "size", str(len(content)), str(said.get("size")))


def _met(claim: str, name: str, expected: str, seen: str, *, met: bool) -> Finding:
    """An expectation in words, which says as well what was seen where it is `met`."""
    return Finding(claim, name, expected, expected if met else seen)


def _header(claim: str, answer: Answer, name: str, expected: str) -> Finding:
    return Finding(claim, name, expected, answer.header(name) or "none")


def _media(claim: str, answer: Answer, *expected: str, charset: str = "") -> Finding:
    """Its media type, of which only the parameter `charset` matters (RFC 9110, section 8.3.1)."""
    seen, kind = answer.header("content-type") or "none", Message()
    kind["content-type"] = seen
    well = kind.get_content_type() in expected and (kind.get_content_charset() or "") in {charset, "utf-8"}
    wanted = " or ".join(expected) + (f"; charset={charset}" if charset else "")
    return _met(claim, "content-type", wanted, seen, met=well)


def _caching(claim: str, answer: Answer, directive: str) -> Finding:
    """Cache-Control, which may say more than what it has to (RFC 9111, section 5.2)."""
    seen = answer.header("cache-control") or "none"
    directives = {one.strip().lower() for one in seen.split(",")}
    return _met(claim, "cache-control", directive, seen, met=directive in directives)


def _security(answer: Answer) -> list[Finding]:
    """The headers of every answer, whose words may be in capitals."""
    found = []
    for name, expected in SECURITY.items():
        seen = answer.header(name) or "none"
        found.append(_met("security", name, expected, seen, met=seen.lower() == expected.lower()))
    policy = answer.header(POLICY) or "none"
    return [*found, _met("security", POLICY, "no source but the app's own", policy, met=_is_closed(policy))]


def _is_closed(policy: str) -> bool:
    """Whether a Content-Security-Policy lets nothing in but the app's own."""
    sources = {name: found for name, found in _sources(policy).items() if name.endswith("-src")}
    return "default-src" in sources and all(set(found) <= {"'none'", "'self'"} for found in sources.values())


def _sources(policy: str) -> dict[str, list[str]]:
    """The directives of a Content-Security-Policy by name, with their sources."""
    directives = [directive.lower().split() for directive in policy.split(";")]
    return {name: sources for name, *sources in filter(None, directives)}


def page(answer: Answer, read: Page) -> list[Finding]:
    """Of an answer to `GET /` whose status is 200."""
    return [
        _media("page", answer, "text/html", charset="utf-8"),
        _caching("page", answer, "no-store"),
        *_security(answer),
        Finding("heading", "title", HEADING, read.title),
        Finding("heading", "heading", HEADING, read.heading),
        _met("line", "line", LINE, "not on the page", met=LINE in read.text),
        Finding("labels", "labels", ", ".join(LABELS), ", ".join(read.labels) or "none"),
        *(Finding(*fault) for fault in read.faults),
        *_shown(read),
        *_parts(answer, read),
    ]


def _parts(answer: Answer, read: Page) -> Iterator[Finding]:
    """What else the page names is the app's own, and its policy lets a browser show that."""
    elsewhere = [address for _, address in read.parts if _is_elsewhere(address)]
    yield _met(
        "security", "addresses on the page", "none elsewhere", ", ".join(elsewhere)[:80], met=not elsewhere
    )
    sources = _sources(answer.header(POLICY) or "")
    shown = {name for name, _ in read.parts} | {"a picture"}
    for name, directive in FETCHED.items():
        if name in shown:
            let_in = sources.get(directive, sources.get("default-src", ["'self'"]))
            yield _met("parts", directive, "'self'", " ".join(let_in), met="'self'" in let_in)


def _is_elsewhere(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.scheme or parts.netloc) and parts.scheme != "data"


def _shown(read: Page) -> Iterator[Finding]:
    if read.picture is None:
        yield Finding("page-picture", "picture", 'an <img id="picture">', "none")
        return
    parts, empty = urlsplit(read.picture), read.observed.status == "empty"
    documented = parts.path.startswith("/static/") if empty else parts.path == "/image" and bool(parts.query)
    met = documented and not _is_elsewhere(read.picture)
    expected = "/static/…" if empty else "/image?v=…"
    yield _met("page-picture", "address", expected, read.picture[:80] or "none", met=met)
    yield _met("page-picture", "alt text", "some", "none", met=bool(read.alt.strip()))


def picture(answer: Answer, content: bytes, digest: str) -> list[Finding]:
    """Of an answer to `GET /image`."""
    if answer.status == 503:
        return [_wait(answer), *_security(answer)]
    found = media_type(content)
    return [
        Finding("picture", "status", "200", str(answer.status)),
        Finding("whole", "bytes", found or "a whole picture", found or f"{len(content)} bytes that are none"),
        *_described(answer, content, digest),
        *_security(answer),
    ]


def _wait(answer: Answer) -> Finding:
    """Its Retry-After: seconds, or a date (RFC 9110, section 10.2.3)."""
    seen = answer.header("retry-after") or "none"
    try:
        well = seen.isdecimal() or bool(parsedate_to_datetime(seen))
    except ValueError:
        well = False
    return _met("picture", "Retry-After", "seconds or a date", seen, met=well)


def _described(answer: Answer, content: bytes, digest: str) -> list[Finding]:
    """The header fields of a picture, which is `content`."""
    return [
        _media("picture-headers", answer, media_type(content) or "the picture's"),
        _header("picture-headers", answer, "content-length", str(len(content))),
        _header("picture-headers", answer, "etag", f'"{digest}"'),
        _caching("picture-headers", answer, "no-cache"),
    ]


def _by_fields(answer: Answer, bodies: Mapping[str, bytes]) -> list[Finding]:
    """Of a picture that is known by its header fields alone, and may be one that nobody has looked at."""
    tag = answer.header("etag") or "none"
    digest = tag.strip('"')
    if digest in bodies:
        return _described(answer, bodies[digest], digest)
    return [
        _met("picture-headers", "etag", "the SHA-256", tag, met=bool(DIGEST.fullmatch(tag))),
        _caching("picture-headers", answer, "no-cache"),
    ]


def cache(answer: Answer, read: Document) -> list[Finding]:
    """Of an answer to `GET /api/cache`."""
    wrong = [*read.wrong, *(f"no {key}" for key in OTHER_KEYS if key not in read.rest)]
    image = read.rest.get("image")
    well = image is None or (isinstance(image, dict) and set(IMAGE_KEYS) <= image.keys())
    return [
        Finding("state", "status", "200", str(answer.status)),
        _media("state", answer, "application/json"),
        _caching("state", answer, "no-store"),
        *_security(answer),
        _met("state-keys", "keys", "as documented", ", ".join(wrong), met=not wrong),
        _met("image-facts", "image", f"null, or {', '.join(IMAGE_KEYS)}", json.dumps(image)[:80], met=well),
    ]


def probe(
    request: Request, answer: Answer, bodies: Mapping[str, bytes], *, proxied: bool
) -> Iterator[Finding]:
    """Of an answer to one of `PROBES`; `bodies` are all that was ever seen, by SHA-256.

    Where visitors are `proxied` (an ingress, say), what is refused there has not come to the app.
    """
    known = PROBES.get(request.probe)
    if known is None:
        return
    claim, status = known.claim, known.status
    refused = claim == "refused" and 400 <= answer.status < 500
    if proxied and refused and answer.header(POLICY) is None:
        return
    yield Finding(claim, request.probe, str(status), str(answer.status))
    yield from _security(answer)
    if known.media:
        yield _media(claim, answer, *known.media)
    if claim == "head":
        yield _media(claim, answer, "text/html", charset="utf-8")
        yield _caching(claim, answer, "no-store")
        length = answer.header("content-length") or "none"
        yield _met(claim, "content-length", "the page's", length, met=length != "0")
    if request.probe in UNCHANGED:
        tag = dict(request.sent).get("if-none-match", "").rpartition(" ")[2].removeprefix("W/")
        yield _caching(claim, answer, "no-cache")
        if tag != "*":
            yield _header(claim, answer, "etag", tag)
    elif claim == "picture-headers" and answer.status == status:
        yield from _by_fields(answer, bodies)
    if status == 405:  # its Allow names the methods that are not refused (RFC 9110, section 15.5.6)
        allow = answer.header("allow") or "none"
        met = {"GET"} <= {method.strip() for method in allow.split(",")} <= {"GET", "HEAD"}
        yield _met(claim, "allow", "GET, and HEAD where that is answered", allow, met=met)


def last_error(said: object) -> Finding:
    """Of `last_error`: null, or one line that can be read."""
    well = said is None or (isinstance(said, str) and said.isprintable() and said.strip() != "")
    return _met("last-error", "last_error", "one line, or null", repr(said), met=well)
