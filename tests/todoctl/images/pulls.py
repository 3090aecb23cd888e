"""What Docker's engine (20.10) answered to a pull over a slow line that broke once: recorded, and thinned.

The image has a layer that Docker had already, two of 6 and 4 MB, and a small one.
"""

from typing import Any

Event = dict[str, Any]
OLD, BIG, SECOND, SMALL = "8f89730d1877", "0879d6ea64ed", "6b069f97633c", "19dd44caf07d"


def event(layer: str, status: str, current: int = 0, total: int = 0) -> Event:
    detail = {"current": current, "total": total} if total else {}
    return {"status": status, "progressDetail": detail, "id": layer}


BEGIN = [
    {"status": "Pulling from pulltest", "id": "1"},
    event(OLD, "Already exists"),
    event(BIG, "Pulling fs layer"),
    event(SECOND, "Pulling fs layer"),
    event(SMALL, "Pulling fs layer"),
    event(SMALL, "Downloading", 3678, 100235),
    event(SECOND, "Downloading", 40541, 4001419),
    event(BIG, "Downloading", 61021, 6002030),
    event(SMALL, "Downloading", 100235, 100235),
    event(SMALL, "Verifying Checksum"),
    event(SMALL, "Download complete"),
    event(BIG, "Downloading", 1401856, 6002030),
    event(SECOND, "Downloading", 1430528, 4001419),
]
"""To where the connection breaks."""

BROKEN = [
    event(SECOND, "Downloading", 4001419, 4001419),  # it had 1.4 MB
    event(BIG, "Retrying in 5 seconds"),
    event(SECOND, "Retrying in 5 seconds"),
    event(BIG, "Retrying in 1 second"),
    event(SECOND, "Retrying in 1 second"),
]

RESUMED = [
    event(SECOND, "Downloading", 28194, 2550411),  # what is still to come
    event(BIG, "Downloading", 48674, 4555118),
]

END = [
    event(SECOND, "Verifying Checksum"),
    event(SECOND, "Download complete"),
    event(BIG, "Verifying Checksum"),
    event(BIG, "Download complete"),
    event(BIG, "Extracting", 65536, 6002030),
    event(BIG, "Pull complete"),
    event(SECOND, "Pull complete"),
    event(SMALL, "Pull complete"),
    {"status": "Digest: sha256:f8f78732af706235b6af900399e95bac9a443017c4beed70d141e8f8aa1b6e88"},
    {"status": "Status: Downloaded newer image for localhost:45037/pulltest:1"},
]

WHOLE = [*BEGIN, *BROKEN, *RESUMED, *END]
SIZE = 6002030 + 4001419 + 100235
