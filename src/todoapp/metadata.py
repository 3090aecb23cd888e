"""`cache_metadata.json`: the original's keys with their meaning, ours beside them.

Reading forgives: a key that is missing or of a wrong type falls back by itself, so that one bad
value does not take the others with it. What the picture is (type, size) is always told by its
bytes; the file only says which one it is.
"""

import json
from dataclasses import dataclass

from todoapp.policy import State

# On the volume: in a State. The first five are the original's.
_COUNTS = {
    "access_count": "access_count",
    "image_access_count": "image_access_count",
    "failures": "failures",
}
_TIMES = {
    "download_timestamp": "downloaded_at",
    "last_access_time": "last_access_at",
    "failed_at": "failed_at",
    "retry_after": "retry_after",
}
_FLAGS = {"grace_period_used": "grace_used"}
_TEXTS = {"fetch_error": "fetch_error"}
_KEYS = _COUNTS | _TIMES | _FLAGS | _TEXTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What the file says: a state without its picture, that picture's SHA-256, bad keys' names."""

    state: State
    sha256: str | None
    wrong: tuple[str, ...] = ()


def encode(state: State) -> bytes:
    """The file's content for `state`."""
    entries = {key: getattr(state, name) for key, name in _KEYS.items()}
    picture = state.picture
    entries |= {
        "sha256": picture.sha256 if picture else None,
        "content_type": picture.content_type if picture else None,
        "size": picture.size if picture else None,
    }
    return json.dumps(entries, indent=1).encode() + b"\n"


def decode(content: bytes) -> Metadata:
    """What the file's `content` says; ValueError where it is no JSON object."""
    try:
        entries = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(entries, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - bad content, not a bad call
    kinds = ((_COUNTS, _is_count), (_TIMES, _is_time), (_FLAGS, _is_flag), (_TEXTS, _is_text))
    found = {
        name: entries[key]
        for keys, is_good in kinds
        for key, name in keys.items()
        if is_good(entries.get(key))
    }
    sha256 = entries.get("sha256")
    wrong = [key for key, name in _KEYS.items() if entries.get(key) is not None and name not in found]
    if sha256 is not None and not _is_text(sha256):
        sha256 = None
        wrong.append("sha256")
    return Metadata(state=State(**found), sha256=sha256, wrong=tuple(wrong))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_time(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < 2**53  # not NaN either


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)
