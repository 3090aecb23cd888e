"""Which target a command is about. Targets are imported only when they are used."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from todoctl.commands import SILENT, Commands
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.home import Home
from todoctl.targets.base import Progress, Target

if TYPE_CHECKING:
    from todoctl.targets.k3d.options import ClusterOptions
    from todoctl.targets.kubernetes.options import NamespaceOptions

LOCAL, K3D, KUBERNETES = "local", "k3d", "kubernetes"
NAMES = (K3D, LOCAL, KUBERNETES)

PLACES = {K3D: ("cluster",), KUBERNETES: ("context", "namespace"), LOCAL: ()}
"""The options that tell one place of a target from another."""

STATE = "state.json"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line says about the target; None where it is silent."""

    name: str | None = None
    cluster: str | None = None
    context: str | None = None
    namespace: str | None = None

    def __post_init__(self) -> None:
        if self.name is not None and self.name not in NAMES:
            raise BadUsageError(
                f"Unknown target {self.name!r}", fix=f"Use {', '.join(NAMES[:-1])} or {NAMES[-1]}"
            )
        for target, options in PLACES.items():
            for option in options:
                if getattr(self, option) is not None and self.named != target:
                    raise BadUsageError(
                        f"--{option} goes with --target {target} only", fix=f"Leave --{option} out"
                    )

    @property
    def named(self) -> str | None:
        """The target that is named, if only by a place of it."""
        if self.name:
            return self.name
        for target, options in PLACES.items():
            if any(getattr(self, option) is not None for option in options):
                return target
        return None

    def place(self) -> dict[str, str]:
        """What is said of one place of the target."""
        stated = {option: getattr(self, option) for options in PLACES.values() for option in options}
        return {option: value for option, value in stated.items() if value is not None}

    def fits(self, place: "Place") -> bool:
        """Whether that place may be meant."""
        return self.name in {None, place.target} and self.place().items() <= place.given.items()


@dataclass(frozen=True, slots=True)
class Place:
    """A target, and what names one place of it among others."""

    target: str
    given: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.target, *self.given.values()])


def default(progress: Progress) -> str:
    """k3d where Docker and k3d are installed, working or not; else local, and how to get k3d."""
    missing = [name for name in ("docker", "k3d") if shutil.which(name) is None]
    if not missing:
        return K3D
    progress.note(
        f"Target local, because {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not "
        "installed here. For a real cluster install Docker and k3d (https://k3d.io)."
    )
    return LOCAL


def options_for(
    name: str, given: Mapping[str, Mapping[str, Any]]
) -> "ClusterOptions | NamespaceOptions | None":
    """The target's options, of those that are given by target; raises where some are for another one."""
    for other, values in given.items():
        if values and other != name:
            option = "--" + next(iter(values)).replace("_", "-")
            raise BadUsageError(
                f"{option} goes with --target {other} only, and the target is {name}",
                fix=f"Use --target {other}, or leave {option} out",
            )
    mine = given.get(name, {})
    if name == K3D:
        from todoctl.targets.k3d.options import ClusterOptions

        return ClusterOptions(**mine, stated=frozenset(mine))
    if name == KUBERNETES:
        from todoctl.targets.kubernetes.options import NamespaceOptions

        if "context" not in mine:
            raise BadUsageError(
                "--target kubernetes needs --context", fix="See 'kubectl config get-contexts' for its name"
            )
        return NamespaceOptions(**mine, stated=frozenset(mine))
    return None


def make(
    name: str,
    home: Home,
    options: "ClusterOptions | NamespaceOptions | None" = None,
    commands: Commands = SILENT,
) -> Target:
    """The target called `name`, which tells `commands` what it does."""
    from todoctl.targets.k3d.options import ClusterOptions
    from todoctl.targets.kubernetes.options import NamespaceOptions

    match name, options:
        case "kubernetes", NamespaceOptions():
            from todoctl.targets.kubernetes.target import NamespaceTarget

            return NamespaceTarget(home, options, commands)
        case "k3d", ClusterOptions():
            from todoctl.targets.k3d.target import K3dTarget

            return K3dTarget(home, options, commands)
    from todoctl.targets.local.target import LocalTarget

    return LocalTarget(home, commands)


def known(home: Home, *, leftovers: bool = False) -> list[Place]:
    """All that is up; with `leftovers` all that left a trace. Raises where that cannot be seen."""
    home.check_readable()
    places = [(Place(LOCAL), home.path / LOCAL)]
    places += [(Place(K3D, {"cluster": entry.name}), entry) for entry in sorted((home.path / K3D).glob("*"))]
    places += [
        (Place(KUBERNETES, {"context": unquote(entry.parent.name), "namespace": entry.name}), entry)
        for entry in sorted((home.path / KUBERNETES).glob("*/*"))
    ]
    return [place for place, path in places if (path.is_dir() if leftovers else (path / STATE).is_file())]


def find(
    home: Home,
    choice: Choice,
    commands: Commands = SILENT,
    *,
    leftovers: bool = False,
    keep_cluster: bool = False,
) -> Target | None:
    """What is up and meant by `choice`; None where nothing is. Raises where that is not clear."""
    found = [place for place in known(home, leftovers=leftovers) if choice.fits(place)]
    if not found:
        return None
    if len(found) > 1:
        raise BadUsageError(
            f"More than one is up: {', '.join(map(str, found))}",
            fix="Choose with --target, --cluster for k3d, --context and --namespace for kubernetes",
        )
    (place,) = found
    given: dict[str, dict[str, Any]] = {place.target: dict(place.given)}
    if keep_cluster:
        given.setdefault(K3D, {})["keep_cluster"] = True
    return make(place.target, home, options_for(place.target, given), commands)


def require(home: Home, choice: Choice, commands: Commands = SILENT) -> Target:
    """As `find`; raises `UnavailableError` where nothing is up."""
    target = find(home, choice, commands)
    if target is None:
        meant = f" on {choice.name}" if choice.name else ""
        raise UnavailableError(f"Nothing is up{meant}", fix="Run 'todoctl up' first")
    return target
