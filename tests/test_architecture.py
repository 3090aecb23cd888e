"""The import rules of docs/architecture.md, checked against the code."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def module(path: Path) -> str:
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module(path): path for path in sorted((ROOT / "src").rglob("*.py"))}


def imports(path: Path) -> set[str]:
    """Returns our modules that `path` imports, anywhere in it except for type checking alone."""
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


GRAPH = {name: imports(path) for name, path in MODULES.items()}


def test_imports_run_one_way() -> None:
    assert sum(map(len, GRAPH.values())) > 50, "the imports were not found"
    try:
        tuple(TopologicalSorter(GRAPH).static_order())
    except CycleError as error:
        pytest.fail(f"these modules import each other: {' -> '.join(error.args[1])}")


FORBIDDEN = {
    "todoapp": ("todoctl",),
    "todoctl": ("todoapp",),
    "todoctl.kube": ("todoctl.targets.k3d", "todoctl.targets.local", "todoctl.validation", "todoctl.course"),
    "todoctl.images": (
        "todoctl.targets.k3d",
        "todoctl.targets.kubernetes",
        "todoctl.kube",
        "todoctl.validation",
        "todoctl.course",
    ),
    "todoctl.targets": ("todoctl.cli", "todoctl.validation", "todoctl.course"),
    "todoctl.evidence": (
        "todoctl.cli",
        "todoctl.course",
        "todoctl.targets",
        "todoctl.kube",
    ),
    "todoctl.validation": (
        "todoctl.cli",
        "todoctl.course",
        "todoctl.kube",
        "todoctl.targets.local",
        "todoctl.targets.k3d",
        "todoctl.targets.kubernetes",
    ),
    "todoctl.course": ("todoctl.cli", "todoctl.targets", "todoctl.kube"),
}
FORBIDDEN |= {
    f"todoctl.grade.{name}": ("todoctl.cli", "todoctl.course", "todoctl.kube.client", "todoctl.targets")
    for name in ("adapt", "baseline", "choice", "dockerfiles", "documents", "findings", "submission")
}
"""What must not be imported: evidence knows no target, a target no scenario, a scenario no cluster; an app is
found in a repository without one."""


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("package", FORBIDDEN)
def test_a_package_knows_only_what_it_needs(package: str) -> None:
    for name in MODULES:
        if within(name, package):
            wrong = {one for one in GRAPH[name] for other in FORBIDDEN[package] if within(one, other)}
            assert not wrong, f"{name} imports {wrong}"
