"""The faults of `catalogue.diff`, each to be planted in the real app.

They show in time, among several visitors or in what is done. What shows in one answer is in `answers`.
"""

from tests.faults.fault import HERE, Fault


def _read(block: str) -> Fault:
    """Returns a fault: its name, `@ file claim scenario`, and the lines of a diff."""
    name, where, *lines = block.splitlines()
    module, claim, scenario = where.removeprefix("@ ").split()
    old = "".join(f"{line[1:]}\n" for line in lines if line.startswith((" ", "-")))
    new = "".join(f"{line[1:]}\n" for line in lines if line.startswith((" ", "+")))
    return Fault(name, module.removesuffix(".py"), old, new, claim, scenario)


_, *_BLOCKS = f"\n{(HERE / 'catalogue.diff').read_text(encoding='utf-8')}".split("\n# ")
FAULTS = tuple(map(_read, _BLOCKS))
"""In the order of the scenarios that have to fail."""
