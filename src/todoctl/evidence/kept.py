"""The history of a run, on disk while it is judged: a fault of the judge loses nothing."""

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from todoctl.errors import TodoctlError
from todoctl.evidence.history import History


@contextmanager
def kept(histories: Sequence[History]) -> Iterator[Path]:
    """Keeps `histories` in a file within the block, which gets its path.

    Raises `TodoctlError`, which names the file, where the block fails: then it stays.
    """
    before = sys.exception()
    plain = [history.to_json() for history in histories]
    with tempfile.NamedTemporaryFile(
        "w", prefix="todoctl-history-", suffix=".json", delete=False, encoding="utf-8"
    ) as file:
        json.dump(plain[0] if len(plain) == 1 else {"apps": plain}, file)
    path = Path(file.name)
    try:
        yield path
    except Exception as error:
        why = repr(error) if before is None else f"{error!r}, after {before!r}"
        raise TodoctlError(
            "What was seen could not be judged",
            why=why,
            fix=f"It is kept in {path}: try 'todoctl judge {path}', and report this",
        ) from error
    path.unlink()
