"""Plants a fault in the app: with this directory on PYTHONPATH, Python runs this file before all else.

TODOAPP_FAULT is a JSON object: in the source of `module` (below `todoapp`) `new` stands for `old`. Needs the
standard library only, and neither reads nor writes byte code of what it changes. For an app in a container:

    COPY sitecustomize.py /fault/
    ARG FAULT
    ENV PYTHONPATH=/fault:/app TODOAPP_FAULT=$FAULT
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

FAULT: dict[str, str] = json.loads(os.environ.get("TODOAPP_FAULT") or "{}")


def replaced(text: str, old: str, new: str) -> str:
    """`text` with `new` for `old`, which must be in it exactly once."""
    if text.count(old) != 1:
        raise RuntimeError(f"the fault does not fit: {old!r} occurs {text.count(old)} times")
    return text.replace(old, new)


class Planted(SourceFileLoader):
    """Loads a module from its source, with the fault in it."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        source = replaced(self.get_data(path).decode(), FAULT["old"], FAULT["new"])
        code: CodeType = self.source_to_code(source.encode(), path)
        return code


class Finder:
    """Finds the module that the fault is in, and no other."""

    @staticmethod
    def find_spec(
        fullname: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != f"todoapp.{FAULT['module']}":
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.origin is not None:
            spec.loader = Planted(fullname, spec.origin)
            spec.cached = None
        return spec


CLOCK = os.environ.get("TODOAPP_CLOCK")
"""A file with the seconds that the app's clock is ahead by."""

if CLOCK:
    time.time = lambda now=time.time: now() + float(Path(CLOCK).read_text() or 0)  # type: ignore[misc]
if FAULT:
    sys.meta_path.insert(0, Finder)
