"""Telling pictures by their bytes: which type they are, and whether they are whole.

What a server says about its answer is not believed: a login page that calls itself image/jpeg
is none. SVG is left out on purpose, it can carry scripts.
"""

import hashlib

from todoapp.policy import Picture

MAX_BYTES = 10 * 1024 * 1024
"""The largest picture that is taken, from the image service and from the volume."""


def identify(content: bytes) -> Picture | None:
    """What `content` is, or None where it is no whole picture of a type that browsers show."""
    content_type = _content_type(content)
    if content_type is None or len(content) > MAX_BYTES:
        return None
    return Picture(sha256=hashlib.sha256(content).hexdigest(), content_type=content_type, size=len(content))


def _content_type(content: bytes) -> str | None:
    """The media type, by the signatures of https://mimesniff.spec.whatwg.org/ and the end."""
    found = None
    if content.startswith(b"\xff\xd8\xff"):
        # Cameras pad behind the End Of Image marker.
        found = "image/jpeg" if content.rstrip(b"\0\r\n").endswith(b"\xff\xd9") else None
    elif content.startswith(b"\x89PNG\r\n\x1a\n"):
        found = "image/png" if content.endswith(b"\0\0\0\0IEND\xaeB`\x82") else None
    elif content.startswith((b"GIF87a", b"GIF89a")):
        found = "image/gif" if content.endswith(b";") else None
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        size = int.from_bytes(content[4:8], "little")
        found = "image/webp" if size + size % 2 + 8 == len(content) else None
    elif content[4:12] in {b"ftypavif", b"ftypavis"}:
        found = "image/avif" if _boxes_fit(content) else None
    return found


def _boxes_fit(content: bytes) -> bool:
    """Whether the top-level boxes of an ISO base media file (ISO/IEC 14496-12) fill it exactly."""
    at = 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        if size < 8:  # 0 (up to the end) and 1 (64 bits) do not occur in pictures that fit here
            return False
        at += size
    return at == len(content)
