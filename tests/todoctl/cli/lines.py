"""The commands of todoctl, as Typer knows them, and the command lines that are shown to people."""

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer
from tools.reference import walk
from typer.core import TyperCommand, TyperGroup

from todoctl.cli.app import app

if TYPE_CHECKING:
    from typer._click.core import Context

Command = TyperCommand | TyperGroup

HelpOf = Callable[[str], str]


@dataclass(frozen=True)
class Found:
    """A command or a group, its whole name, and a context to ask it for help."""

    name: str
    command: Command
    context: "Context"

    def __str__(self) -> str:
        return self.name


def root() -> TyperGroup:
    command = typer.main.get_command(app)
    assert isinstance(command, TyperGroup)
    return command


def commands() -> list[Found]:
    """All there are."""
    found = []
    for name, command, context in walk(root(), "todoctl"):
        assert isinstance(command, Command)
        found.append(Found(name, command, context))
    return found


def shown(text: str) -> Iterator[list[str]]:
    """The words of each todoctl command in some lines of a shell, wherever it is installed."""
    whole = re.sub(r"\\\n\s*", " ", text)
    for line in whole.splitlines():
        inner = re.findall(r"\$\(([^)]*)\)", line)
        for part in [*inner, re.sub(r"\$\([^)]*\)", "it", line)]:
            lexer = shlex.shlex(part, posix=True, punctuation_chars="|&>;")
            lexer.whitespace_split = True
            words: list[str] = []
            for word in [*lexer, ";"]:
                if set(word) <= set("|&>;"):
                    names = [one.rpartition("/")[2] for one in words]
                    if "todoctl" in names:
                        yield ["todoctl", *words[names.index("todoctl") + 1 :]]
                    words = []
                else:
                    words.append(word)


def parse(words: list[str]) -> None:
    """Parses, and runs nothing; raises where Typer would refuse it."""
    command: Command = root()
    context: Context | None = None
    name, *rest = words
    with suppress(typer.Exit):  # after --help
        while True:
            context = command.make_context(name, rest, parent=context)
            if not isinstance(command, TyperGroup):
                return
            found = command.resolve_command(context, [*context._protected_args, *context.args])
            assert isinstance(found[1], Command)
            name, command, rest = str(found[0]), found[1], found[2]
