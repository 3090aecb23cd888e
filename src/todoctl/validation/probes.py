"""The requests that try how an app speaks HTTP."""

from typing import NamedTuple


class Probe(NamedTuple):
    """A request that tries how the app speaks HTTP: the claim it is for, and which status is right.

    `media` are the media types of which the answer has one, where that is documented.
    """

    claim: str
    method: str
    path: str
    status: int
    media: tuple[str, ...] = ()


UNCHANGED = {
    "the picture unchanged": '"{}"',
    "unchanged, among others": f'"{"0" * 64}", "{{}}"',
    "unchanged, compared weakly": 'W/"{}"',
    "unchanged, whatever it is": "*",
}
"""Probes that tell which picture they have: what each sends in If-None-Match, given the SHA-256."""

IMAGES = ("image/svg+xml", "image/png", "image/webp", "image/gif", "image/jpeg", "image/x-icon")
"""What an icon or a placeholder may be."""

PARTS = {
    "the page's style": Probe("parts", "GET", "/static/page.css", 200, media=("text/css",)),
    "the page's script": Probe(
        "parts", "GET", "/static/page.js", 200, media=("text/javascript", "application/javascript")
    ),
    "the page's icon": Probe("parts", "GET", "/static/icon.svg", 200, media=IMAGES),
    "the placeholder": Probe("parts", "GET", "/static/placeholder.svg", 200, media=IMAGES),
}
"""What a browser loads for the page, beside the picture. The addresses are those that the page names."""

PROBES = {
    "HEAD /": Probe("head", "HEAD", "/", 200),
    "GET /healthz": Probe("health", "GET", "/healthz", 200),
    "GET /readyz": Probe("ready", "GET", "/readyz", 200),
    "HEAD /image": Probe("picture-headers", "HEAD", "/image", 200),
    **dict.fromkeys(UNCHANGED, Probe("picture-headers", "GET", "/image", 304)),
    **PARTS,
    "an unknown path": Probe("refused", "GET", "/no-such-page", 404),
    "a slash too many": Probe("refused", "GET", "/image/", 404),
    "POST /": Probe("refused", "POST", "/", 405),
    "POST /healthz": Probe("refused", "POST", "/healthz", 405),
    "DELETE /image": Probe("refused", "DELETE", "/image", 405),
    "PUT /api/cache": Probe("refused", "PUT", "/api/cache", 405),
}
"""By name."""

UNCOUNTED = (
    "HEAD /",
    "GET /healthz",
    "GET /readyz",
    "HEAD /image",
)
"""Those that are asked often on one connection, with a look at the counts after each."""
