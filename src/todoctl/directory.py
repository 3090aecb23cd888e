"""The files of a directory, as they are at one moment.

This file needs nothing but the standard library: its text is also sent into a pod, and is a program there.
"""

import base64
import json
import os
import sys
from contextlib import suppress

TRIES = 5
"""How often it is looked again where something has changed meanwhile."""

Seen = tuple[str, int, int, bytes]
"""A file's name, its size, its last change in nanoseconds since the epoch, its content."""


def read(directory: str) -> list[Seen]:
    """The files whose names do not begin with a dot, by name; none where there is no such directory.

    Raises `OSError`: `BlockingIOError` where they do not stop changing.
    """
    before = _look(directory)
    for _ in range(TRIES):
        content = {}
        for name in before:
            try:
                with open(os.path.join(directory, name), "rb") as file:  # noqa: PTH118, PTH123 - quick to start
                    content[name] = file.read()
            except FileNotFoundError:
                break  # `after` lacks it as well
        after = _look(directory)
        if after == before:
            return [(name, size, at, content[name]) for name, (size, at, *_) in sorted(before.items())]
        before = after
    raise BlockingIOError(f"{directory} changes all the time")


def _look(directory: str) -> dict[str, tuple[int, int, int, int]]:
    """Size, last change, and what else tells a file from another, by name."""
    found = {}
    with suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):  # gone meanwhile
                    stat = entry.stat(follow_symlinks=False)
                    found[entry.name] = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
    return found


if __name__ == "__main__":
    while True:  # once, and again for each line that comes
        print(  # noqa: T201
            json.dumps(
                [
                    (name, size, at, base64.b64encode(content).decode())
                    for name, size, at, content in read(sys.argv[1])
                ]
            ),
            flush=True,
        )
        if not sys.stdin.readline():
            break
