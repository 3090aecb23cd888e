"""Mutants of the app: small changes of one token, made at random with the operators of cosmic-ray."""

import ast
import random
from collections import defaultdict
from collections.abc import Iterator

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from tests.faults.fault import APP, Edit

MODULES = ("policy", "cache", "app", "store", "source")

Place = tuple[str, int, int]
"""Module, line, column."""


def mutants(number: int, seed: int) -> list[Edit]:
    """`number` mutants, each at a place of its own; the same ones for the same seed and source."""
    chance = random.Random(seed)  # noqa: S311 - nothing is secret here
    found: defaultdict[Place, list[tuple[str, int]]] = defaultdict(list)
    sources = {module: (APP / f"{module}.py").read_text() for module in MODULES}
    for module, source in sources.items():
        for line, column, operator, occurrence in _mutations(source):
            found[module, line, column].append((operator, occurrence))
    places = sorted(found)
    chance.shuffle(places)
    made: list[Edit] = []
    for module, line, column in places:
        operator, occurrence = chance.choice(found[module, line, column])
        try:
            mutated: str = mutate_code(sources[module], get_operator(operator)(), occurrence)
        except AttributeError:  # cosmic-ray's operator for `except` knows no names with a dot
            continue
        if not _is_another(sources[module], mutated):
            continue
        made.append(_edit(module, line, sources[module], mutated))
        if len(made) == number:
            break
    return made


def _mutations(source: str) -> Iterator[tuple[int, int, str, int]]:
    """Line, column, operator's name, and which occurrence of it that is in the whole source."""
    nodes = list(ast_nodes(get_ast(source)))
    for name in sorted(operator_names()):
        operator = get_operator(name)
        if operator.arguments() or name == "core/NoOp":
            continue
        positions = [position for node in nodes for position in operator().mutation_positions(node)]
        for occurrence, ((line, column), _end) in enumerate(positions):
            yield line, column, name, occurrence


def _bare(source: str) -> str:
    """The syntax tree without what says something to readers and type checkers only."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            if getattr(node, name, None) is not None:
                setattr(node, name, ast.Constant(None))
    return ast.dump(tree)


def _is_another(source: str, mutated: str) -> bool:
    """Whether the mutant is Python, and differs in more than annotations."""
    try:
        return _bare(source) != _bare(mutated)
    except SyntaxError:  # the operators take the * before keyword arguments for a product's
        return False


def _edit(module: str, line: int, source: str, mutated: str) -> Edit:
    """What differs, with as many lines around as make it occur once."""
    old, new = source.splitlines(keepends=True), mutated.splitlines(keepends=True)
    begin = next(number for number, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    end = next(number for number, (a, b) in enumerate(zip(old[::-1], new[::-1], strict=False)) if a != b)
    change = f"{' '.join(''.join(old[begin : len(old) - end]).split())}  ->  " + " ".join(
        "".join(new[begin : len(new) - end]).split()
    )
    while source.count("".join(old[begin : len(old) - end])) > 1:
        begin, end = max(begin - 1, 0), max(end - 1, 0)
    return Edit(
        f"{module}.py:{line}  {change}",
        module,
        "".join(old[begin : len(old) - end]),
        "".join(new[begin : len(new) - end]),
    )
