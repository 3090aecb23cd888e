"""Which bytes are a picture."""

from tests.faults.fault import Fault


def _unknown(kind: str, old: str, new: str) -> Fault:
    return Fault(f"{kind} not known", "picture", old, new, "whole", "outage")


FAULTS = (
    _unknown("JPEG", 'content.startswith(b"\\xff\\xd8\\xff")', "False"),
    _unknown("GIF", 'content.startswith((b"GIF87a", b"GIF89a"))', "False"),
    _unknown("WebP", 'content[:4] == b"RIFF"', "False"),
    _unknown("AVIF", 'content[4:12] in {b"ftypavif", b"ftypavis"}', "False"),
    Fault(
        "a picture that is cut short taken at a start",
        "picture",
        "content_type = _content_type(content)\n",
        "content_type = _content_type(content) or _content_type(content + b'\\0\\0\\0\\0IEND\\xaeB`\\x82')\n",
        "damage",
        "files",
    ),
)
