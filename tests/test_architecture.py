"""The rules of docs/architecture.md, held against the code."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
ROOM_FOR_GROWTH = 310
"""Lines: a file longer than that has become two things."""


def module(path: Path) -> str:
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module(path): path for path in SOURCES}


def imports(path: Path) -> set[str]:
    """The modules of ours that `path` imports, anywhere in it but for type checking alone."""
    found = set()
    tree = ast.parse(path.read_text())
    for_types = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else node.module for name in inner]
        else:
            continue
        found |= {name for name in names if name in MODULES}
    return found - {module(path)}


def test_imports_run_one_way() -> None:
    graph = {name: imports(path) for name, path in MODULES.items()}
    assert sum(map(len, graph.values())) > 50, "the imports were not found"
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"these modules import each other: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize(("one", "other"), [("todoctl", "todoapp"), ("todoapp", "todoctl")])
def test_the_programs_share_no_code(one: str, other: str) -> None:
    for name, path in MODULES.items():
        if name.split(".")[0] == one:
            assert not {found for found in imports(path) if found.split(".")[0] == other}, name


PLACES = ("todoctl.k3d", "todoctl.kubernetes", "todoctl.namespace")


def test_the_verbs_know_no_target() -> None:
    verbs = [f"todoctl.{name}" for name in ("up", "validate", "status", "console")]
    for name in [*verbs, *(name for name in MODULES if name.startswith("todoctl.validation"))]:
        known = imports(MODULES[name])
        assert not known & {"todoctl.local.target", "todoctl.process"}, name
        assert not {found for found in known if found.startswith(PLACES)}, name


def test_what_is_kubernetes_knows_no_k3d() -> None:
    for name, path in MODULES.items():
        if name.startswith(("todoctl.kubernetes", "todoctl.images", "todoctl.namespace")):
            assert not {found for found in imports(path) if found.startswith("todoctl.k3d")}, name


@pytest.mark.parametrize("path", [*SOURCES, *sorted((ROOT / "tests").rglob("*.py"))], ids=str)
def test_a_file_is_one_thing(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= ROOM_FOR_GROWTH


PLAYING = {f"todoctl.validation.{name}" for name in ("actor", "stage", "scenarios")}


def test_the_judge_needs_nothing_but_a_history() -> None:
    for name, path in MODULES.items():
        if name.startswith(("todoctl.validation.judge", "todoctl.validation.model")):
            known = imports(path)
            assert all(found.startswith("todoctl.validation.") for found in known), f"{name} imports {known}"
            assert not known & PLAYING, name


MAPPED = ("images", "k3d", "kubernetes", "namespace", "validation")
"""Packages whose own rooms are on the map too."""


def test_every_room_is_on_the_map() -> None:
    rooms = (ROOT / "docs" / "architecture.md").read_text()
    for name, path in MODULES.items():
        package, *rest = name.split(".")
        inner = rest[1:] if rest[:1] and rest[0] in MAPPED else rest
        room = inner[0] if inner else rest[0] if rest else package
        is_package = len(inner) > 1 or path.name == "__init__.py"
        shown = f"{room}/" if is_package and room != package else room
        assert f"`{shown}`" in rooms, f"{name} ({shown}) is not in docs/architecture.md"
