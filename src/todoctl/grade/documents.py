"""Reads the YAML of a repository: each resource with its file, and with the line of each of its keys.

The files are a stranger's: no tags, no links that lead out of the directory, and limits for all that is read.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from todoctl.errors import BadUsageError
from todoctl.grade.catalogue import Finding, finding
from todoctl.kube.manifests import Resource

KeyPath = tuple[str | int, ...]
"""The keys that lead to a value: ("spec", "ports", 0, "port")."""

FILES = 20_000
"""How many files of a directory are looked at."""

BYTES = 200_000
"""Of one file; a longer one is not read."""

TOTAL = 3_000_000
"""Of all files that have resources; PyYAML reads as much in a minute."""

RESOURCES = 2_000

VALUES = 20_000
"""In one file, with its aliases written out."""

DEPTH = 100
"""Of brackets in each other: PyYAML takes seconds for a thousand."""

SKIPPED = frozenset({".git", "node_modules", "vendor", ".venv", "venv", "__pycache__", "target"})
"""Directories that hold what others have written."""

SUFFIXES = (".yaml", ".yml")

LOOKS_LIKE_A_RESOURCE = re.compile(r"^[\s\-{\"']*(apiVersion|kind)\b", re.MULTILINE)
"""A repository's other YAML (workflows, lock files) is not parsed."""


@dataclass(frozen=True, eq=False)
class Document:
    """One resource as a file has it. What a caller asks for may be of any type, or not be there."""

    resource: Resource
    file: str
    """As of the submission's directory, with slashes."""
    lines: Mapping[KeyPath, int]

    @property
    def kind(self) -> str:
        """Returns the kind of the resource, "" where it has none."""
        return self.text("kind")

    @property
    def name(self) -> str:
        """Returns the name of the resource, "" where it has none."""
        return self.text("metadata", "name")

    @property
    def title(self) -> str:
        """Returns kind and name, as messages have them."""
        return f'{self.kind} "{self.name}"'

    @property
    def folder(self) -> PurePosixPath:
        """Returns the directory of the file."""
        return PurePosixPath(self.file).parent

    def at(self, *path: str | int) -> str:
        """Returns FILE:LINE of that key; where it is not there, of the nearest key above it."""
        while path not in self.lines:
            path = path[:-1]
        return f"{self.file}:{self.lines[path]}"

    def get(self, *path: str | int) -> object:
        """Returns the value there, None where there is none."""
        value: object = self.resource
        for key in path:
            if isinstance(value, dict):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int) and key < len(value):
                value = value[key]
            else:
                return None
        return value

    def text(self, *path: str | int) -> str:
        """Returns the string or number there as a string, "" where there is none."""
        value = self.get(*path)
        return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""

    def mapping(self, *path: str | int) -> dict[str, Any]:
        """Returns the mapping there, an empty one where there is none."""
        value = self.get(*path)
        return value if isinstance(value, dict) else {}

    def each(self, *path: str | int) -> Iterator[KeyPath]:
        """Returns the paths of the mappings in the list that is there."""
        value = self.get(*path)
        for number, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, dict):
                yield (*path, number)


def files_of(directory: Path) -> list[Path]:
    """Returns the regular files below the directory, but not those that a link brings in from elsewhere.

    Raises BadUsageError where these are too many.
    """
    root = directory.resolve()
    found: list[Path] = []
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(set(folders) - SKIPPED)
        paths = [Path(folder, name) for name in sorted(names)]
        found += [path for path in paths if path.is_file() and path.resolve().is_relative_to(root)]
        if len(found) > FILES:
            raise BadUsageError(
                f"{directory} has more than {FILES} files", fix="Name the manifests with -f PATH"
            )
    return found


def read(directory: Path, files: Sequence[Path]) -> tuple[list[Document], list[Finding]]:
    """Returns the resources in the YAML among these files, and a finding for each file that is not YAML.

    Raises BadUsageError where these are too many.
    """
    documents: list[Document] = []
    findings: list[Finding] = []
    left = TOTAL
    for path in files:
        if path.suffix.lower() not in SUFFIXES:
            continue
        file = path.relative_to(directory).as_posix()
        reader = _Reader(file)
        with path.open(encoding="utf-8-sig", errors="replace") as stream:
            begin = stream.read(BYTES)
        try:
            if LOOKS_LIKE_A_RESOURCE.search(begin):
                left -= len(begin)
                for node in yaml.compose_all(text_of(path), Loader=yaml.SafeLoader):
                    documents += reader.documents(node)
        except (yaml.YAMLError, ValueError, OSError, RecursionError) as error:
            findings.append(_unreadable(file, error, template="{{" in begin))
        findings += reader.findings
        if left < 0 or len(documents) > RESOURCES:
            raise BadUsageError(
                f"{directory} has more than {RESOURCES} resources or {TOTAL // 10**6} MB of them",
                fix="Name the manifests of the app with -f PATH",
            )
    return documents, findings


def read_one(directory: Path, file: Path) -> Document | None:
    """Returns the mapping that a file has, of whatever kind; None where it cannot be read."""
    reader = _Reader(file.relative_to(directory).as_posix())
    try:
        return reader.whole(yaml.compose(text_of(file), Loader=yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, OSError, RecursionError):
        return None


def text_of(path: Path) -> str:
    """Returns the text of a file; raises ValueError where it is none, or too long."""
    if path.stat().st_size > BYTES:
        raise ValueError(f"it is longer than {BYTES} bytes")
    text = path.read_text(encoding="utf-8-sig")
    if max(accumulate((sign in "[{") - (sign in "]}") for sign in text), default=0) > DEPTH:
        raise ValueError("it is nested too deeply")
    return text


class _Reader:
    """Turns the nodes of one file into plain data, and notes where each key is."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self._lines: dict[KeyPath, int] = {}
        self._left = VALUES
        self._scalars = yaml.SafeLoader("")

    def whole(self, node: yaml.Node | None) -> Document | None:
        """Returns the mapping that a node describes, None where it is something else."""
        self._lines = {}
        value = self._value(node, ()) if node is not None else None
        return Document(value, self.file, self._lines) if isinstance(value, dict) else None

    def documents(self, node: yaml.Node) -> list[Document]:
        """Returns the resource that a node describes, or those that a `kind: List` holds."""
        whole = self.whole(node)
        if whole is None or not whole.kind:
            return []
        if whole.kind != "List":
            return [whole]
        found = []
        for path in whole.each("items"):
            lines = {key[2:]: line for key, line in self._lines.items() if key[:2] == path}
            found.append(Document(whole.mapping(*path), self.file, lines))
        return found

    def _value(self, node: yaml.Node, path: KeyPath) -> object:
        """Returns what the node says; an alias is written out, and counts as often as it is used."""
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"it has more than {VALUES} values")
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, number)) for number, item in enumerate(node.value)]
        if node.tag.removeprefix("tag:yaml.org,2002:") in {"int", "float", "bool", "null"}:
            plain: object = self._scalars.yaml_constructors[node.tag](self._scalars, node)
            return plain
        return str(node.value)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        found: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key is no plain text", problem_mark=key_node.start_mark)
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in found:
                self.findings.append(finding("key-twice", f"{self.file}:{line}", key=key))
            self._lines[*path, key] = line
            found[key] = self._value(value_node, (*path, key))
        return found


WHY = {
    "'\\t'": "a tab indents the line, and YAML allows only spaces",
    "block end": "the line is not indented as those that it belongs to",
    "mapping values": "a colon is where none can be: the line is indented too far, or a text needs quotes",
    "expected ':'": "the line has no colon",
    "block entry": "a list begins where none can be: look at the indentation",
}
"""What PyYAML says, and what it means."""


def _unreadable(file: str, error: Exception, *, template: bool) -> Finding:
    line, why = 1, str(error)
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        line = error.problem_mark.line + 1
        said = error.problem or "it is not YAML"
        why = next((meaning for part, meaning in WHY.items() if part in said), said)
    if template:
        why = "it is a template (Helm's, say), which todoctl does not fill in"
    if isinstance(error, RecursionError):
        why = "it is nested too deeply"
    return finding("yaml-broken", f"{file}:{line}", file=file, why=why)
