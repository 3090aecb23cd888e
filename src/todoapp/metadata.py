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
}
_FLAGS = {"grace_period_used": "grace_used"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What the file says: a state without its picture, that picture's SHA-256, bad keys' names."""

    state: State
    sha256: str | None
    wrong: tuple[str, ...] = ()


def encode(state: State) -> bytes:
    """The file's content for `state`."""
    keys = _COUNTS | _TIMES | _FLAGS
    entries = {key: getattr(state, name) for key, name in keys.items()}
    picture = state.picture
    entries |= {
        "fetch_error": state.fetch_error,
        "retry_after": state.retry_after,
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
    found = {name: entries[key] for key, name in _COUNTS.items() if _is_count(entries.get(key))}
    found |= {name: entries[key] for key, name in _TIMES.items() if _is_time(entries.get(key))}
    found |= {name: entries[key] for key, name in _FLAGS.items() if _is_flag(entries.get(key))}
    if isinstance(entries.get("fetch_error"), str):
        found["fetch_error"] = entries["fetch_error"]
    if _is_time(entries.get("retry_after")):
        found["retry_after"] = entries["retry_after"]
    sha256 = entries.get("sha256")
    known = (_COUNTS | _TIMES | _FLAGS).items()
    return Metadata(
        state=State(**found),
        sha256=sha256 if isinstance(sha256, str) else None,
        wrong=tuple(key for key, name in known if entries.get(key) is not None and name not in found),
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_time(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < 2**53  # not NaN either


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)
