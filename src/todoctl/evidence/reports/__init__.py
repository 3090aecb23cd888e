"""A verdict for its readers: each format of files is registered in the module that writes it, by the suffix.

A new format is one module in this package (docs/extending.md).
"""

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from todoctl.errors import BadUsageError, UnavailableError
from todoctl.evidence.verdict import Verdict

Render = Callable[[Sequence[Verdict]], bytes]
"""Makes the content of a file from one verdict or several."""

_FORMATS: dict[str, Render] = {}


def report(suffix: str) -> Callable[[Render], Render]:
    """Registers a function as what writes the reports whose names end in `suffix` (with its dot)."""

    def register(render: Render) -> Render:
        _FORMATS[suffix] = render
        return render

    return register


def formats() -> dict[str, Render]:
    """Returns the formats of this package by suffix."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return dict(sorted(_FORMATS.items()))


def check(wanted: Sequence[tuple[Path, str]], *, kept: Path | None = None) -> None:
    """Raises `BadUsageError` before a long run of which a report (path, suffix) could not be written.

    Each has a file of its own, which is not `kept`.
    """
    taken = [kept.resolve()] if kept else []
    for path, suffix in wanted:
        if suffix not in formats():
            raise BadUsageError(
                f"The report {path} is of no known format", fix=f"End its name in {', '.join(formats())}"
            )
        if not _is_writable(path):
            raise BadUsageError(
                f"The report {path} cannot be written",
                fix="Name a file in a directory that exists and is yours",
            )
        if path.resolve() in taken:
            raise BadUsageError(
                f"The report {path} would be written over another file of this command",
                fix="Name another file for it",
            )
        taken.append(path.resolve())


def _is_writable(path: Path) -> bool:
    try:
        if path.exists():
            return os.access(path, os.W_OK) and not path.is_dir()
    except OSError:  # a name that is too long, say
        return False
    return os.access(path.parent, os.W_OK | os.X_OK)


def write(verdicts: Sequence[Verdict], wanted: Sequence[tuple[Path, str]]) -> None:
    """Writes the reports that were asked for.

    Raises `UnavailableError` after the last one where any of them could not be written.
    """
    failed: UnavailableError | None = None
    for path, suffix in wanted if verdicts else ():
        try:
            path.write_bytes(formats()[suffix](verdicts))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one report, the others are written
            why = error.strerror if isinstance(error, OSError) else None
            failed = UnavailableError(
                f"The report {path} was not written",
                why=why or repr(error),
                fix="Name a file in a directory that you may write to",
            )
    if failed:
        raise failed
