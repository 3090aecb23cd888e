"""What a fault is: something that breaks one sentence of docs/contract.md, planted or recorded."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PLANTED = HERE / "planted"
"""For PYTHONPATH: what plants the fault that TODOAPP_FAULT names."""

APP = HERE.parents[1] / "src" / "todoapp"

TEMPLATE = 'Path(__file__).with_suffix(".html").read_text(encoding="utf-8")'
"""How the app's `page` gets its template."""


@dataclass(frozen=True, slots=True)
class Edit:
    """In the source of `todoapp.<module>`, `new` stands for `old`, which occurs there once."""

    name: str
    module: str
    old: str
    new: str

    def variable(self) -> str:
        """Returns the value of TODOAPP_FAULT."""
        return json.dumps({"module": self.module, "old": self.old, "new": self.new})


@dataclass(frozen=True, slots=True)
class Fault(Edit):
    """An edit of the app. `claim` is the sentence that it breaks, `scenario` the one that has to fail."""

    claim: str
    scenario: str


def environment(edit: Edit | None) -> dict[str, str]:
    """Returns this process's environment, with `edit` in the apps that are started with it."""
    if edit is None:
        return os.environ.copy()
    path = os.pathsep.join(filter(None, (str(PLANTED), os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": path, "TODOAPP_FAULT": edit.variable()}


@contextmanager
def planted(edit: Edit | None) -> Iterator[None]:
    """Apps that this process starts within the block have `edit` in them."""
    before = os.environ.copy()
    os.environ.update(environment(edit))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
