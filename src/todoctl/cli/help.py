"""What `--help` shows: options and commands in groups, each sentence whole, and examples to copy.

Typer's own groups need rich, whose import takes longer than all the rest of `--help`.
"""

import os
from collections.abc import Iterable, Iterator
from textwrap import dedent
from typing import TYPE_CHECKING

import typer
from typer.core import TyperCommand, TyperGroup

from todoctl.errors import ExitCode

if TYPE_CHECKING:
    from typer._click.core import Command as AnyCommand
    from typer._click.core import Context, Parameter
    from typer._click.formatting import HelpFormatter

Row = tuple[str, str]


def examples(text: str) -> str:
    """For a command's `epilog`: lines to copy, each below a line that says what it is for."""
    return dedent(text).strip("\n")


def summary(command: "AnyCommand") -> str:
    """The first sentence of its help, which is a line of its own."""
    return (command.help or "").partition("\n")[0]


class Command(TyperCommand):
    """A command whose options stand in the groups that they name, and whose epilog is examples."""

    def collect_usage_pieces(self, ctx: "Context") -> list[str]:
        """Without the braces that Typer puts around what is required."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        _write(formatter, _options(self.get_params(ctx), ctx, "Output"))

    def format_epilog(self, ctx: "Context", formatter: "HelpFormatter") -> None:  # noqa: ARG002 - Typer's
        _write_examples(formatter, self.epilog)


class Group(TyperGroup):
    """Commands in the groups that they name, in the order in which they are used; then its own options."""

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        commands = ((name, self.commands[name]) for name in self.list_commands(ctx))
        rows = (
            (getattr(command, "rich_help_panel", None) or "Commands", (name, summary(command)))
            for name, command in commands
        )
        _write(formatter, rows)
        _write(formatter, _options(self.get_params(ctx), ctx, "Options"))

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Whoever gives nothing gets the help."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help(), err=True)
            raise typer.Exit(ExitCode.USAGE)
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: "Context", formatter: "HelpFormatter") -> None:  # noqa: ARG002 - Typer's
        _write_examples(formatter, self.epilog)


def _options(parameters: "Iterable[Parameter]", ctx: "Context", other: str) -> Iterator[tuple[str, Row]]:
    """The group and the help of each; `other` is the group of those that name none."""
    shown = ((one, record) for one in parameters if (record := one.get_help_record(ctx)))
    for parameter, (first, words) in shown:
        if parameter.param_type_name == "argument":
            yield "Arguments", (parameter.metavar or parameter.name, words)
        else:
            yield getattr(parameter, "rich_help_panel", None) or other, (first, words)


def _write(formatter: "HelpFormatter", rows: Iterable[tuple[str, Row]]) -> None:
    """Each group under its heading; all of them share one column, so that the eye runs straight down."""
    groups: dict[str, list[Row]] = {}
    for group, row in rows:
        groups.setdefault(group, []).append(row)
    width = max(len(first) for group in groups.values() for first, _ in group)
    for group, found in groups.items():
        with formatter.section(_heading(group)):
            formatter.write_dl([(first.ljust(min(width, 30)), second) for first, second in found])


def _write_examples(formatter: "HelpFormatter", text: str | None) -> None:
    """Line by line as they are written: what is wrapped cannot be copied."""
    with formatter.section(_heading("Examples")):
        for line in (text or "").splitlines():
            formatter.write(f"  {line}".rstrip() + "\n")


def _heading(text: str) -> str:
    """Bold on a terminal; Typer takes that away in a pipe."""
    return text if os.environ.get("NO_COLOR") else typer.style(text, bold=True)
