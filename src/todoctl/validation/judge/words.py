"""What is told of the cache, in the words of the report."""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isinf

from todoctl.evidence.pages import WORDS
from todoctl.evidence.times import Span
from todoctl.validation.model.policy import UNKNOWN

ORDER = (
    "picture",
    "status",
    "views",
    "picture_views",
    "downloaded",
    "expires",
    "last_view",
    "grace_spent",
    "error",
)


def told_in_words(told: Mapping[str, object]) -> str:
    """As in `picture 3f2a9c11d0e4, Valid, site count 5, image count 2`."""
    known = [name for name in ORDER if name in told] + [name for name in told if name not in ORDER]
    return ", ".join(_word(name, told[name], alone=len(known) == 1) for name in known)


def _word(name: str, value: object, *, alone: bool) -> str:
    if value is None and name == "picture":
        return "no picture"
    match value:
        case Span():
            text = clock(value)
        case bool():
            text = "yes" if value else "no"
        case None:
            text = "–"
        case _:
            text = str(value)
    if name == "picture":
        return "a picture" if value == UNKNOWN else f"picture {text[:12]}"
    if name == "status":
        return " or ".join(WORDS.get(word, word) for word in text.split(" or "))
    labels = {
        "views": "site count",
        "picture_views": "image count",
        "downloaded": "downloaded",
        "expires": "expires",
        "last_view": "last access",
        "grace_spent": "grace spent:",
        "error": "an error told:",
    }
    return text if alone or name not in labels else f"{labels[name]} {text}"


def clock(span: Span) -> str:
    """Times of day (UTC), to the millisecond; a stretch where it is one."""
    ends = [_moment(moment) for moment in span if not isinf(moment)]
    if not ends:
        return "some time"
    if len(ends) == 1:
        return f"until {ends[0]}" if isinf(span.lo) else f"from {ends[0]}"
    return ends[0] if span.hi - span.lo < 0.01 else " to ".join(ends)


def _moment(moment: float) -> str:
    try:
        return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S.%f}"[:-3]
    except (ValueError, OverflowError, OSError):
        return f"{moment:g}"  # no date that anybody could read
