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


def environment(edit: Edit | None, clock: Path | None = None) -> dict[str, str]:
    """Returns this process's environment, with `edit` in the apps that are started with it.

    `clock` is a file with the seconds that their clock is ahead by.
    """
    if edit is None and clock is None:
        return os.environ.copy()
    path = os.pathsep.join(filter(None, (str(PLANTED), os.environ.get("PYTHONPATH"))))
    fault = {} if edit is None else {"TODOAPP_FAULT": edit.variable()}
    return os.environ | {"PYTHONPATH": path} | fault | ({"TODOAPP_CLOCK": str(clock)} if clock else {})


@contextmanager
def planted(edit: Edit | None, clock: Path | None = None) -> Iterator[None]:
    """Apps that this process starts within the block have `edit` in them, and a clock of their own."""
    before = os.environ.copy()
    os.environ.update(environment(edit, clock))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
