"""The faults that show in single answers, tried on a recorded run."""

import re
from dataclasses import dataclass

from tests.faults.recording import (
    CACHE,
    PAGE,
    PICTURE,
    Change,
    body,
    both,
    header,
    html,
    log,
    saved,
    status,
    told,
    volume,
)
from todoctl.evidence.pages import PICTURE_FILE, STATE_FILE


@dataclass(frozen=True, slots=True)
class Answered:
    """A fault that shows in answers: `change` makes a recorded run of `scenario` look as with the fault."""

    name: str
    scenario: str
    claim: str
    change: Change


EXPIRY = rb"<div><dt>Image Expiry time</dt>.*?</div>\n"
SITE = rb"<div><dt>Site Access count</dt>.*?</div>\n"
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"


def page(pattern: bytes, new: bytes) -> Change:
    """Every page has `new` where `pattern` is found."""
    return body(PAGE, lambda content: re.sub(pattern, new, content, flags=re.DOTALL))


def counted(pattern: bytes, more: int) -> Change:
    """A count on the page is larger by `more`."""
    return body(
        PAGE,
        lambda content: re.sub(
            pattern + rb"(\d+)", lambda found: found[1] + b"%d" % (int(found[2]) + more), content
        ),
    )


def _found(scenario: str, claim: str, changes: dict[str, Change]) -> tuple[Answered, ...]:
    return tuple(Answered(name, scenario, claim, change) for name, change in changes.items())


def shorter(content: bytes) -> bytes:
    return content[: len(content) // 2]


ANSWERED: tuple[Answered, ...] = (
    # What the app was started with, and its log
    *_found(
        "fresh",
        "ttl",
        {
            "CACHE_TTL ignored": told("ttl", 600.0),
            "CACHE_TTL without its decimals": told("ttl", int),
            "ttl in milliseconds": told("ttl", lambda ttl: ttl * 1000),
        },
    ),
    *_found(
        "fresh",
        "source",
        {
            "IMAGE_URL ignored": told("source", "sample:"),
            "IMAGE_URL without its query": told("source", lambda url: url.partition("?")[0]),
        },
    ),
    *_found(
        "fresh",
        "log",
        {
            "log without the cache directory": log("/volume/cache", "/volume"),
            "log without the TTL": log(", TTL ", ", kept for "),
        },
    ),
    Answered(
        "a traceback in the log", "restart", "traceback", log("INFO", "Traceback (most recent call last):")
    ),
    # The page
    *_found(
        "page",
        "labels",
        {
            "label renamed": html("<dt>Site Access count</dt>", "<dt>Site access count</dt>"),
            "label missing": page(EXPIRY, b""),
            "labels reordered": page(b"(" + EXPIRY + b")(" + SITE + b")", rb"\2\1"),
            "times without their milliseconds": page(rb'(datetime="\S{19})\.\d+', rb"\1"),
            "times of another zone beside their text": page(rb"(\d\d:\d\d:\d\d) UTC<", rb"\1 CET<"),
            "no data-status": page(rb' data-status="\w+"', b""),
            "an unknown data-status": page(rb'data-status="\w+"', b'data-status="good"'),
            "another word for valid": html("<dd>Valid</dd>", "<dd>valid</dd>"),
            "no metadata box": html('<dl id="metadata"', "<dl"),
            "thousands marked by a comma": page(rb"(<dt>Site Access count</dt><dd>)", rb"\g<1>1,0"),
        },
    ),
    *_found(
        "page",
        "page-picture",
        {
            "no alt text": page(rb'alt="[^"]*"', b'alt=""'),
            "picture straight from the image service": html(
                'src="/image?v=', 'src="https://picsum.photos/500?v='
            ),
            "picture without a version": page(rb'src="/image\?v=\w+"', b'src="/image"'),
            "no picture": html('id="picture"', 'id="image"'),
        },
    ),
    Answered("picture's version always the same", "files", "page-picture", page(rb"\?v=\w+", b"?v=1")),
    Answered("heading", "page", "heading", html("<h1>The Project App", "<h1>The project app")),
    Answered("title", "page", "heading", html("<title>The Project App", "<title>Project")),
    Answered("line", "page", "line", html("Kubernetes 2025", "Kubernetes 2024")),
    *_found(
        "page",
        "security",
        {
            "a picture from elsewhere beside it": html(
                "<footer>", '<footer><img src="https://example.org/a.gif">'
            ),
            "a script from elsewhere": html('src="/static/page.js"', 'src="//example.org/page.js"'),
            "no Content-Security-Policy": header("all", "content-security-policy", None),
            "no Content-Security-Policy of what is refused": header(
                "POST /", "content-security-policy", None
            ),
            "scripts from anywhere": header(
                PAGE,
                "content-security-policy",
                lambda value: value.replace("script-src 'self'", "script-src *"),
            ),
            "a policy without a default": header(
                CACHE, "content-security-policy", lambda value: value.replace("default-src", "child-src")
            ),
            "no nosniff": header(PICTURE, "x-content-type-options", None),
            "may be framed": header(PAGE, "x-frame-options", "SAMEORIGIN"),
            "referrer sent": header("an unknown path", "referrer-policy", "origin"),
        },
    ),
    *_found(
        "page",
        "parts",
        {
            "style served as plain text": header(
                "the page's style", "content-type", "text/plain; charset=utf-8"
            ),
            "a script that is not there": status("the page's script", 404),
            "an icon that is not there": status("the page's icon", 404),
            "no picture let in": header(
                PAGE,
                "content-security-policy",
                lambda value: value.replace("img-src 'self'", "img-src 'none'"),
            ),
            "no style let in": header(
                PAGE, "content-security-policy", lambda value: value.replace("style-src 'self'; ", "")
            ),
        },
    ),
    Answered("a placeholder that is not there", "outage", "parts", status("the placeholder", 404)),
    *_found(
        "page",
        "page",
        {
            "page may be stored": header(PAGE, "cache-control", "no-cache"),
            "page in another character set": header(PAGE, "content-type", "text/html; charset=latin-1"),
            "page of no type": header(PAGE, "content-type", None),
            "an error instead of the page": status(PAGE, 500),
        },
    ),
    # The other answers
    *_found(
        "page",
        "picture-headers",
        {
            "weak ETag": header(PICTURE, "etag", lambda value: f"W/{value}"),
            "ETag never changes": header(PICTURE, "etag", '"picture"'),
            "304 with another ETag": header("the picture unchanged", "etag", f'"{"0" * 64}"'),
            "never 304": status("the picture unchanged", 200),
            "only the tag alone known": status("unchanged, among others", 200),
            "weak comparison not known": status("unchanged, compared weakly", 200),
            "* not known": status("unchanged, whatever it is", 200),
            "304 without Cache-Control": header("the picture unchanged", "cache-control", None),
            "HEAD /image without ETag": header("HEAD /image", "etag", None),
            "HEAD /image refused": status("HEAD /image", 405),
            "picture of no length": header(PICTURE, "content-length", None),
            "picture of another length": header(PICTURE, "content-length", "17"),
            "picture of another type": header(PICTURE, "content-type", "image/webp"),
            "picture taken from the browser's cache": header(PICTURE, "cache-control", "max-age=600"),
        },
    ),
    Answered("304 for an old picture's ETag", "page", "picture", status(PICTURE, 304)),
    Answered("picture cut short", "page", "whole", body(PICTURE, shorter)),
    Answered("picture in another format", "page", "whole", body(PICTURE, lambda _: b"BM" + bytes(100))),
    Answered("picture not found", "page", "picture", status(PICTURE, 404)),
    *_found(
        "outage",
        "picture",
        {
            "no Retry-After while there is no picture": header(PICTURE, "retry-after", None),
            "a Retry-After that is no wait": header(PICTURE, "retry-after", lambda _: "5.0s"),
        },
    ),
    *_found(
        "page",
        "head",
        {
            "HEAD / of no length": header("HEAD /", "content-length", "0"),
            "HEAD / refused": status("HEAD /", 405),
            "HEAD / of another type": header("HEAD /", "content-type", "text/plain"),
            "HEAD / may be stored": header("HEAD /", "cache-control", None),
        },
    ),
    *_found(
        "page",
        "refused",
        {
            "200 for an unknown path": status("an unknown path", 200),
            "a slash too many redirected": status("a slash too many", 307),
            "POST / is a page view": status("POST /", 200),
            "POST /healthz taken": status("POST /healthz", 200),
            "DELETE /image taken": status("DELETE /image", 204),
            "PUT /api/cache not found": status("PUT /api/cache", 404),
            "no Allow beside 405": header("POST /", "allow", None),
            "an Allow that names what is refused": header("POST /", "allow", "GET, POST"),
        },
    ),
    Answered("no /healthz", "page", "health", status("GET /healthz", 404)),
    Answered("not in good health while there is an error", "outage", "health", status("GET /healthz", 503)),
    Answered("/readyz with no body", "deployed", "ready", status("GET /readyz", 204)),
    Answered("not ready while there is an error", "outage", "ready", status("GET /readyz", 503)),
    # /api/cache
    *_found(
        "page",
        "state",
        {
            "state may be stored": header(CACHE, "cache-control", None),
            "state of another type": header(CACHE, "content-type", "text/html"),
            "state with an error": status(CACHE, 500),
            "grace_used the other way round": told("grace_used", lambda used: not used),
            "downloaded_at half a second early": told("downloaded_at", lambda at: at - 0.5),
            "image count is another": told("image_access_count", lambda count: count + 3),
        },
    ),
    *_found(
        "page",
        "state-keys",
        {
            **{
                f"/api/cache without {key}": told(key, ...)
                for key in ("expires_at", "access_count", "source")
            },
            "/api/cache that is no object": body(CACHE, lambda content: b"[" + content + b"]"),
            "/api/cache that is no JSON": body(CACHE, lambda content: content[:-1]),
            "last_error left out": told("last_error", ...),
            "grace_used is a number": told("grace_used", int),
            "counts are texts": told("access_count", str),
            "times are texts": told("downloaded_at", str),
            "a status that nobody knows": told("status", "good"),
        },
    ),
    *_found(
        "page",
        "image-facts",
        {
            "wrong size": told("image", lambda image: image | {"size": image["size"] + 1}),
            "wrong content_type": told("image", lambda image: image | {"content_type": "image/avif"}),
            "no content_type": told("image", lambda image: {key: image[key] for key in ("sha256", "size")}),
        },
    ),
    Answered(
        "a picture of nothing where there is none",
        "outage",
        "image-facts",
        told("image", lambda one: one or {}),
    ),
    Answered("expires_at in milliseconds", "page", "times", told("expires_at", lambda at: at * 1000)),
    Answered(
        "last_access_at is the download", "page", "last-access", told("last_access_at", lambda at: at - 1)
    ),
    Answered(
        "another word for expired",
        "grace",
        "state-keys",
        told("status", lambda one: "old" if one == "expired" else one),
    ),
    Answered("failure not in last_error", "outage", "last-error", told("last_error", None)),
    Answered("failure told for ever", "page", "last-error", told("last_error", "it failed once")),
    Answered(
        "failure told in two lines",
        "outage",
        "last-error",
        told("last_error", lambda one: one and f"{one}\nit does"),
    ),
    # What the page tells of the cache
    *_found(
        "page",
        "counted",
        {
            "site count as before the view": counted(rb"(Site Access count</dt><dd>)", -1),
        },
    ),
    Answered("image count is the site's", "renew", "renew", counted(rb"(Image Access count</dt><dd>)", 2)),
    Answered(
        "grace view shows the status before it",
        "grace",
        "grace",
        both(
            html("<dd>Grace period</dd>", "<dd>Valid</dd>"),
            html('data-status="grace"', 'data-status="valid"'),
        ),
    ),
    Answered(
        "placeholder instead of the old picture",
        "outage",
        "outage-error",
        both(
            html("<dd>Old picture kept</dd>", "<dd>No picture yet</dd>"),
            html('data-status="stale"', 'data-status="empty"'),
        ),
    ),
    Answered(
        "a time that is not its text",
        "page",
        "labels",
        page(rb"(Last Site Access</dt><dd><time datetime=\"\S{8})\d\d", rb"\g<1>31"),
    ),
    # The volume
    *_found(
        "mount",
        "volume-state",
        {
            "JSON without the site's count": saved("access_count", ...),
            "JSON of another type": saved("image_access_count", str),
            "JSON that is none": volume(STATE_FILE, shorter),
            "no JSON": volume(STATE_FILE, lambda _: None),
            "JSON's picture count is another": saved("image_access_count", lambda count: count + 4),
        },
    ),
    Answered("JSON's grace always unspent", "grace", "volume-state", saved("grace_period_used", False)),
    *_found(
        "fresh",
        "volume-picture",
        {
            "picture file cut short": volume(PICTURE_FILE, shorter),
            "no picture file": volume(PICTURE_FILE, lambda _: None),
        },
    ),
    *_found(
        "mount",
        "volume-same",
        {
            "a picture that the process alone has": volume(PICTURE_FILE, lambda _: None, "the process"),
            "other bytes on the process's side": volume(
                STATE_FILE, lambda content: content + b"\n", "the process"
            ),
        },
    ),
)
"""By what shows them; a test compares the claims with the sentences that the verdict names."""
