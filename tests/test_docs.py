"""The documents, held against what they tell of: commands, variables, messages, pictures, links."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import typer.main
from bs4 import BeautifulSoup
from PIL import Image
from tools import reference

from tests.todoctl.cli import lines
from todoapp.settings import read
from todoctl.cli.app import app
from todoctl.course.claims import CLAIMS
from todoctl.errors import ExitCode
from todoctl.validation.scenarios import SCENARIOS

ROOT = Path(__file__).parents[1]
DOCS = sorted(ROOT.glob("[A-Z]*.md")) + sorted((ROOT / "docs").glob("*.md"))
PICTURES = sorted((ROOT / "docs").rglob("*.webp")) + sorted((ROOT / "docs").rglob("*.svg"))

LIMITS = {".webp": 100_000, ".svg": 60_000}
"""Bytes: what a page may load for a picture without being slow on a phone."""


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(document: str, head: str) -> list[list[str]]:
    """The cells of the table below the line that begins with `head`."""
    after = document[document.index(f"\n{head}") :].strip().splitlines()[2:]
    cells = []
    for line in after:
        if not line.startswith("|"):
            break
        cells.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))])
    assert cells, head
    return cells


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("name", reference.WRITTEN)
def test_what_is_generated_is_up_to_date(name: str) -> None:
    assert text(f"docs/{name}") == reference.filled(name), "run nox -s reference"
    assert len(re.findall(r"^### todoctl", text("docs/reference.md"), re.MULTILINE)) >= 13


def test_the_readme_has_every_command() -> None:
    told = [name for cells in rows(text("README.md"), "| command |") for name in quoted(cells[0])]
    words = typer.main.get_command(app).commands  # type: ignore[attr-defined] # it is a group
    assert sorted(told) == sorted(f"todoctl {word}" for word in words)


def typed() -> Iterator[tuple[str, str]]:
    """Each command of todoctl in a block of a document, with the document's name."""
    for path in DOCS:
        document = path.read_text(encoding="utf-8")
        for block in re.findall(r"^```bash\n(.*?)^```", document, re.MULTILINE | re.DOTALL):
            yield from ((path.name, shlex.join(words)) for words in lines.shown(block))


@pytest.mark.parametrize("command", [pytest.param(found[1], id=" ".join(found)) for found in typed()])
def test_what_is_to_be_typed_is_understood(command: str) -> None:
    """Options that do not exist, or values that are none of theirs, raise."""
    lines.parse(shlex.split(command))


def test_the_documents_have_something_to_type() -> None:
    assert len({*typed()}) > 10


def test_every_exit_code_is_told() -> None:
    assert [int(cells[0]) for cells in rows(text("docs/reference.md"), "| code |")] == sorted(ExitCode)


def test_every_variable_of_the_app_is_told_with_its_default() -> None:
    told = {
        quoted(cells[0])[0]: quoted(cells[1])[0] for cells in rows(text("docs/contract.md"), "| variable |")
    }
    assert read(told) == read({})
    source = text("src/todoapp/settings.py")
    assert all(f'"{name}"' in source for name in told)


def test_every_scenario_and_claim_is_told() -> None:
    assert text("README.md").count(f"{len(SCENARIOS)} scenarios") >= 2
    claims = [name for cells in rows(text("docs/course.md"), "| claim |") for name in quoted(cells[0])]
    assert sorted(claims) == sorted(CLAIMS)


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_small_and_sharp(path: Path) -> None:
    assert path.stat().st_size <= LIMITS[path.suffix]
    if path.suffix == ".webp":
        with Image.open(path) as picture:
            assert picture.width >= 2000
    else:
        drawn = path.read_text(encoding="utf-8")
        loaded = re.findall(r"(?:url\(|href=|src=)['\"]?(?!['\"]?#)\S+", drawn)
        assert loaded == [], "in a page a picture loads nothing"


def links(document: str) -> Iterator[tuple[str, str]]:
    """Each link and picture, with what stands for it: its text, or what a picture shows in words."""
    document = re.sub(r"(?ms)^```.*?^```|`[^`\n]*`", "code", document)
    for words, target in re.findall(r"\[([^\]]*)\]\(([^)\s]+)\)", document):
        yield target, words
    soup = BeautifulSoup(document, "html.parser")
    for picture in soup.find_all("img"):
        yield str(picture["src"]), str(picture.get("alt", ""))
    for source in soup.find_all("source"):
        yield str(source["srcset"]), "another picture of the same"


def anchors(document: str) -> set[str]:
    """Those that GitHub makes of headings."""
    heads = re.findall(r"^#+ (.*)$", document, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target, words in links(path.read_text(encoding="utf-8")):
        assert words.strip(), f"{target} has no words for those who do not see it"
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        there = path.parent / file if file else path
        assert there.exists(), target
        assert not anchor or anchor in anchors(there.read_text(encoding="utf-8")), target


def test_every_picture_is_shown() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in DOCS)
    assert [path.name for path in PICTURES if path.name not in shown] == []


def test_what_pypi_shows_leads_nowhere_that_it_has_not() -> None:
    """It has neither the pictures nor the other documents."""
    project = tomllib.loads(text("pyproject.toml"))
    hook = project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    described = "".join(text(fragment["path"]) for fragment in hook["fragments"])
    for change in hook["substitutions"]:
        described, times = re.subn(change["pattern"], change["replacement"], described)
        assert times, change
    assert {target for target, _ in links(described) if not target.startswith("https://")} == set()
    assert "todoctl up" in described
