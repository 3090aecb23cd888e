"""Files for the volume that an app does not write itself: the original's, and damaged ones."""

import json
from collections.abc import Callable
from typing import Any

from todoctl.evidence.pages import MAX_COUNT, MAX_SECONDS, METADATA, PICTURE_FILE, STATE_FILE

Files = dict[str, bytes | None]
"""Contents by name; None for a file that is to go."""

DOCUMENTED = (STATE_FILE, PICTURE_FILE)

OUT_OF_RANGE = {
    "access_count": 2 * MAX_COUNT,
    "image_access_count": -1,
    "download_timestamp": -1,
    "last_access_time": MAX_SECONDS + 2,
    "grace_period_used": 1,
}
OF_OTHER_TYPES = {
    "access_count": 1_234_567,
    "image_access_count": True,
    "download_timestamp": "yesterday",
    "last_access_time": 1_700_000_000,
    "grace_period_used": None,
}
"""No value is in its range, or of its type (docs/contract.md). Of the latter two are: the good ones count."""


def original(files: Files) -> Files:
    """The metadata as the original has left them: with its own keys alone, and one that nobody knows."""
    try:
        metadata = json.loads(files.get(STATE_FILE) or b"{}")
    except ValueError:  # the app may write anything
        metadata = {}
    known = metadata if isinstance(metadata, dict) else {}
    own = {key: value for key, value in known.items() if key in METADATA}
    return {STATE_FILE: _json(own | {"of_a_later_version": [1]})}


def bad_values(values: dict[str, Any]) -> Callable[[Files], Files]:
    """A picture, and metadata of which not all values can be used."""
    return lambda files: {PICTURE_FILE: files.get(PICTURE_FILE) or b"", STATE_FILE: _json(values)}


def no_picture(files: Files) -> Files:
    """Half a picture, and the original's metadata: without a digest that would tell."""
    return cut_short(files) | original(files)


def cut_short(files: Files) -> Files:
    """Both files as a broken copy leaves them."""
    whole = {name: files.get(name) or b"" for name in DOCUMENTED}
    return {name: content[: len(content) // 2] for name, content in whole.items()}


def spoiled(files: Files) -> Files:
    """JSON that is no object, and half a picture."""
    return cut_short(files) | {STATE_FILE: b"[]"}


def lost(*names: str) -> Files:
    """The files called `names` are not there any more, or neither of the documented ones."""
    return dict.fromkeys(names or DOCUMENTED)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
