"""The files on the app's volume: a directory of this machine, or what a command lists."""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from todoctl.course import command
from todoctl.errors import UnavailableError
from todoctl.evidence import pictures
from todoctl.evidence.history import File, History

MOST_FILES = 500
LARGEST = 32 * 1024 * 1024
"""Bytes of a file that is read; of a larger one only the size is known."""

LISTING_SECONDS = 30.0

LINE = re.compile(r"-[-rwxsStT]{9}\S*\s+\d+\s+\S+\s+\S+\s+(?P<size>\d+)\s+(?P<rest>\S.*)")
FULL_ISO = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d+))? ([+-]\d{4}) (.+)")
UNKNOWN = 0.0
"""The last change of a file whose time a listing does not tell with its zone."""


def read(directory: Path, history: History) -> list[File]:
    """All files in and below `directory`, pictures kept in `history`; raises `UnavailableError`."""
    if not directory.is_dir():
        raise UnavailableError(
            f"--volume {directory} is no directory", fix="Name the one that the app writes to"
        )
    return list(_files(directory, history))


def _files(directory: Path, history: History) -> Iterator[File]:
    try:
        for path in sorted(directory.rglob("*"))[:MOST_FILES]:
            if path.is_file() and not path.is_symlink():
                stat = path.stat()
                content = path.read_bytes() if stat.st_size <= LARGEST else b""
                digest = hashlib.sha256(content).hexdigest() if stat.st_size <= LARGEST else ""
                if not pictures.fault(content):
                    history.keep(content)
                name = str(path.relative_to(directory))
                yield File(name=name, size=stat.st_size, modified=stat.st_mtime, body=digest)
    except FileNotFoundError:
        return  # it went while we looked: the next look will tell
    except OSError as error:
        raise UnavailableError(
            f"--volume {directory} cannot be read",
            why=error.strerror or str(error),
            fix="Run as a user who may, or list it with --volume-exec",
        ) from None


def listed(words: list[str]) -> list[File]:
    """The files that a command like `ls -l --time-style=full-iso DIR` lists; raises `UnavailableError`."""
    text = command.run(words, seconds=LISTING_SECONDS)
    found = [_file(line) for line in map(LINE.fullmatch, map(str.strip, text.splitlines())) if line]
    if not found and text.strip() and not re.search(r"^(total|d)", text, re.MULTILINE):
        raise UnavailableError(
            "--volume-exec lists no files", fix="Use a command like: kubectl exec deploy/x -- ls -l DIR"
        )
    return found


def _file(line: re.Match[str]) -> File:
    rest, modified = line["rest"], UNKNOWN
    if told := FULL_ISO.fullmatch(rest):
        day, fraction, zone, rest = told.groups()
        modified = datetime.strptime(f"{day} {zone}", "%Y-%m-%d %H:%M:%S %z").timestamp()
        modified += float(f"0.{fraction or 0}")
    return File(name=rest.split()[-1] if rest else "", size=int(line["size"]), modified=modified, body="")
