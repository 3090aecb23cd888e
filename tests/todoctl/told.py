"""What tests share: a progress that keeps what it was told, and a Docker that is away."""

import gc
import shlex
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from todoctl.targets.base import Downloads, Step


@dataclass
class Told:
    """What a run has shown, as `Progress`, as `Step` and as `Downloads`."""

    lines: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        self.lines.append(title)
        yield self

    @contextmanager
    def downloads(self, title: str, names: Sequence[str]) -> Iterator[Downloads]:
        self.lines.append(title)
        yield self

    def show(self, name: str, loaded: int, size: int, doing: str) -> None:
        line = f"{name}: {loaded} of {size} {doing}"
        if self.lines[-1] != line:
            self.lines.append(line)

    def note(self, text: str) -> None:
        self.lines.append(text)

    def command(self, *pipeline: Sequence[str]) -> None:
        if pipeline:
            self.commands.append(" | ".join(map(shlex.join, pipeline)))

    def update(self, detail: str, began: float | None = None) -> None:
        self.lines.append(detail)

    def __contains__(self, words: str) -> bool:
        return any(words in line for line in self.lines)


@contextmanager
def away() -> Iterator[None]:
    """Around attempts to reach a Docker that is away: its SDK leaves a socket open that did not connect."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()
