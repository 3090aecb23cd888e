"""What a made app would tell, as the documented page."""

from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

from PIL import Image

from todoctl.evidence.pages import LABELS, WORDS

SECURITY = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("content-security-policy", "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'"),
]
BEGAN = 1_790_000_000.0
SOURCE = "http://127.0.0.1:9/picture"


def png(number: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (2, 2), (number % 256, number // 256 % 256, 7)).save(buffer, "PNG")
    return buffer.getvalue()


def stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def label(moment: float | None) -> str:
    if moment is None:
        return "–"
    text = stamp(moment)
    return f'<time datetime="{text}">{text[:10]} {text[11:19]} UTC</time>'


@dataclass
class Told:
    """What the app would tell; a test may change it before it is told."""

    status: str
    picture: str | None
    downloaded: float | None
    expires: float | None
    last_view: float | None
    views: int
    picture_views: int
    grace_spent: bool
    error: bool

    def page(self) -> str:
        values = [
            label(self.downloaded),
            label(self.expires),
            str(self.views),
            str(self.picture_views),
            label(self.last_view),
            WORDS[self.status],
        ]
        rows = "".join(
            f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in zip(LABELS, values, strict=True)
        )
        source = f"/image?v={self.picture[:16]}" if self.picture else "/static/placeholder.svg"
        return (
            "<!doctype html><title>The Project App</title><h1>The Project App</h1>"
            f'<img id="picture" src="{source}" alt="Picture">'
            f'<dl id="metadata" data-status="{self.status}">{rows}</dl>DevOps with Kubernetes 2025'
        )
