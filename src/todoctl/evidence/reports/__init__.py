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
        why, fix = "", "Name a file in a directory that exists and is yours"
        if suffix not in formats():
            why, fix = "is of no known format", f"End its name in {', '.join(formats())}"
        elif not _is_writable(path):
            why = "cannot be written"
        elif path.resolve() in taken:
            why, fix = "would be written over another file of this command", "Name another file for it"
        if why:
            raise BadUsageError(f"The report {path} {why}", fix=fix)
        taken.append(path.resolve())


def _is_writable(path: Path) -> bool:
    try:
        if path.exists():
            return os.access(path, os.W_OK) and not path.is_dir()
    except OSError:  # a name that is too long, say
        return False
    return os.access(path.parent, os.W_OK | os.X_OK)


def write(verdicts: Sequence[Verdict], wanted: Sequence[tuple[Path, str]]) -> None:
    """Writes the reports; raises `UnavailableError` after the last where one could not be written."""
    failed: list[UnavailableError] = []
    for path, suffix in wanted if verdicts else ():
        try:
            path.write_bytes(formats()[suffix](verdicts))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one report, the others are written
            why = (isinstance(error, OSError) and error.strerror) or repr(error)
            fix = "Name a file in a directory that you may write to"
            failed.append(UnavailableError(f"The report {path} was not written", why=why, fix=fix))
    if failed:
        raise failed[-1]
