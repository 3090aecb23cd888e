"""What a page tells of its picture under the documented labels: ours, or lines as the original has them."""

import re
from calendar import timegm
from dataclasses import dataclass
from functools import lru_cache
from time import strptime

from todoctl.evidence import pages as reading
from todoctl.evidence.times import Span

CTIME = r"\w{3} \w{3} [ \d]?\d \d\d:\d\d:\d\d \d{4}"
"""As C's `ctime` writes a moment: in the server's own zone, which it does not name."""

SECOND = 1.0
WORDS = {"valid": "Valid", "grace period": "Grace period", "expired": "Expired"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What stands beside the labels: times as if the server's clock and zone were UTC."""

    downloaded: Span | None = None
    expires: Span | None = None
    last_view: Span | None = None
    views: int | None = None
    picture_views: int | None = None
    status: str = ""


@lru_cache(maxsize=4096)
def read(content: bytes) -> Labels:
    """Reads a page; what it does not say is None."""
    ours = reading.page(content)
    told, text = ours.observed, ours.text
    if any(name in told.known() for name in reading.TIMES.values()):
        return Labels(
            downloaded=reading.or_none(told.downloaded),
            expires=reading.or_none(told.expires),
            last_view=reading.or_none(told.last_view),
            views=told.views,
            picture_views=told.picture_views,
            status=reading.WORDS.get(told.status or "", ""),
        )
    return Labels(
        downloaded=_moment(text, "Image Download time"),
        expires=_moment(text, "Image Expiry time"),
        last_view=_moment(text, "Last Site Access"),
        views=_count(text, "Site Access count"),
        picture_views=_count(text, "Image Access count"),
        status=_status(text),
    )


def _moment(text: str, label: str) -> Span | None:
    found = re.search(rf"{label}\s*:\s*({CTIME})", text, re.IGNORECASE)
    if not found:
        return None
    try:
        moment = float(timegm(strptime(found[1], "%a %b %d %H:%M:%S %Y")))
    except ValueError:
        return None  # another language, or no such day
    return Span(moment, moment + SECOND)


def _count(text: str, label: str) -> int | None:
    found = re.search(rf"{label}\s*:\s*(\d{{1,15}})\b", text, re.IGNORECASE)
    return int(found[1]) if found else None


def _status(text: str) -> str:
    found = re.search(rf"\b(?:Cache timer )?status\s*:\s*({'|'.join(WORDS)})\b", text, re.IGNORECASE)
    return WORDS[found[1].lower()] if found else ""
