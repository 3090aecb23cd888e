"""Writes what commands, scenarios and types say of themselves into docs and a schema: `nox -s reference`."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import typer.main

from todoctl.cli.app import app
from todoctl.evidence.reports.document import schema
from todoctl.validation.scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer._click.core import Command, Context

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SCHEMA = ROOT / "src" / "todoctl" / "schemas" / "verdict.json"


def walk(command: "Command", name: str) -> "Iterator[tuple[str, Command, Context]]":
    """The command and all that are below it, with what is typed for each."""
    context = command.make_context(name, [], resilient_parsing=True)
    yield name, command, context
    for word, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, f"{name} {word}")


def commands() -> str:
    """Every command with its options, as Markdown."""
    parts = (_command(*found) for found in walk(typer.main.get_command(app), "todoctl"))
    return "\n\n".join(parts)


def _command(name: str, command: "Command", context: "Context") -> str:
    usage = " ".join([name, *(piece.strip("{}") for piece in command.collect_usage_pieces(context))])
    paragraphs = (" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    lines = [f"### {name}", "", "\n\n".join(paragraphs), "", f"`{usage}`", ""]
    table, group = [], None
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None or (parameter.name in {"help", "verbose"} and name != "todoctl"):
            continue
        panel = getattr(parameter, "rich_help_panel", None)
        if panel not in {None, group}:
            group = panel
            table.append(f"| **{group}** | |")
        table.append(f"| `{_cell(record[0].replace(' <bool>', ''))}` | {_cell(record[1])} |")
    if table:
        lines += ["| option | meaning |", "|---|---|", *table]
    if command.epilog and "todoctl " in command.epilog:
        lines += ["", "```bash", command.epilog.strip("\b\n"), "```"]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace(r"\[", "[").replace("|", r"\|")


def scenarios() -> str:
    """Every scenario with what it claims, as Markdown."""
    rows = [f"| `{one.name}` | {_cell(one.title)} |" for one in SCENARIOS]
    return "\n".join(["| scenario | what it claims |", "|---|---|", *rows])


WRITTEN = {"reference.md": ("commands", commands), "validation.md": ("scenarios", scenarios)}
"""Which document has what between two comments."""


def filled(name: str) -> str:
    """The document `name` as it should be."""
    what, write = WRITTEN[name]
    begin, end = f"<!-- {what}: written by nox -s reference -->", f"<!-- end of {what} -->"
    before, _, rest = (DOCS / name).read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{write()}\n\n{end}{after}"


if __name__ == "__main__":
    for document in WRITTEN:
        (DOCS / document).write_text(filled(document), encoding="utf-8")
    SCHEMA.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
