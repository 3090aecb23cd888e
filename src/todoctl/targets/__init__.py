"""Which target a command is about. Targets are imported only when they are used."""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from todoctl.commands import SILENT, Commands
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.state import Home
from todoctl.targets.base import Progress, Target

if TYPE_CHECKING:
    from todoctl.targets.k3d.options import ClusterOptions
    from todoctl.targets.kubernetes.options import NamespaceOptions

LOCAL, K3D, KUBERNETES = "local", "k3d", "kubernetes"
NAMES = (K3D, LOCAL, KUBERNETES)

NAMED_BY = {K3D: ("cluster",), KUBERNETES: ("context", "namespace"), LOCAL: ()}
"""The options that tell one deployment on a target from another."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line says about the target; None where it says nothing."""

    name: str | None = None
    cluster: str | None = None
    context: str | None = None
    namespace: str | None = None

    def __post_init__(self) -> None:
        if self.name is not None and self.name not in NAMES:
            raise BadUsageError(
                f"Unknown target {self.name!r}", fix=f"Use {', '.join(NAMES[:-1])} or {NAMES[-1]}"
            )
        for target, options in NAMED_BY.items():
            for option in options:
                if getattr(self, option) is not None and self.named != target:
                    raise BadUsageError(
                        f"--{option} goes with --target {target} only", fix=f"Leave --{option} out"
                    )

    @property
    def named(self) -> str | None:
        """The target that is named, if only by an option of it."""
        if self.name:
            return self.name
        for target, options in NAMED_BY.items():
            if any(getattr(self, option) is not None for option in options):
                return target
        return None

    def given(self) -> dict[str, str]:
        """Returns the options that name one deployment on the target."""
        stated = {option: getattr(self, option) for options in NAMED_BY.values() for option in options}
        return {option: value for option, value in stated.items() if value is not None}

    def fits(self, found: "Deployment") -> bool:
        """Whether that deployment may be meant."""
        return self.named in {None, found.target} and self.given().items() <= found.given.items()


@dataclass(frozen=True, slots=True)
class Deployment:
    """A target, and the options that tell this deployment on it from others."""

    target: str
    given: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.target, *self.given.values()])


def default(progress: Progress) -> str:
    """Returns k3d if Docker and k3d are installed, working or not; else local, and says how to get k3d."""
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
    """Returns the target's options, of those that are given by target; raises if some are for another one."""
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
    """Returns the target called `name`, which tells `commands` what it does."""
    if name == LOCAL:
        from todoctl.targets.local.target import LocalTarget

        return LocalTarget(home, commands)
    from todoctl.targets.k3d.options import ClusterOptions
    from todoctl.targets.kubernetes.target import KubernetesTarget

    match options:
        case ClusterOptions():
            from todoctl.targets.k3d.provider import K3dCluster

            return KubernetesTarget(home, K3dCluster(home, options, commands), commands)
        case None:
            raise BadUsageError(f"The target {name} needs options", fix="Name it with --target")
    from todoctl.targets.kubernetes.existing import ExistingCluster

    return KubernetesTarget(home, ExistingCluster(home, options, commands), commands)


def known(home: Home, choice: Choice) -> list[Deployment]:
    """Returns what there may be of the choice: by the state directory, Docker's labels, and its options.

    Raises if that cannot be found out.
    """
    home.check_readable()
    found = [Deployment(LOCAL)] if (home.path / LOCAL).is_dir() else []
    if choice.named in {None, K3D}:
        here = {entry.name for entry in (home.path / K3D).glob("*")}
        named = {choice.cluster} if choice.cluster else set()
        found += [
            Deployment(K3D, {"cluster": name})
            for name in sorted(here | _clusters(found, choice, certain=bool(here)) | named)
        ]
    places = {(unquote(one.parent.name), one.name) for one in (home.path / KUBERNETES).glob("*/*")}
    if choice.context is not None and choice.namespace is not None:
        places.add((choice.context, choice.namespace))
    elif choice.context is not None and not any(context == choice.context for context, _ in places):
        places.add((choice.context, "default"))
    found += [Deployment(KUBERNETES, {"context": one, "namespace": two}) for one, two in sorted(places)]
    return [one for one in found if choice.fits(one)]


def _clusters(found: list[Deployment], choice: Choice, *, certain: bool) -> set[str]:
    """Returns the names of the clusters of todoctl's own that Docker has.

    Raises if Docker does not answer, unless something else is meant: nobody knows then whether there is one.
    """
    if shutil.which("docker") is None:
        return set()
    from todoctl.images.engine import connect
    from todoctl.targets.k3d.cluster import names

    try:
        return set(names(connect(timeout=5)))
    except UnavailableError:
        if choice.named == K3D or certain or (not found and shutil.which("k3d")):
            raise
        return set()


def find(
    home: Home, choice: Choice, commands: Commands = SILENT, *, keep_cluster: bool = False
) -> Target | None:
    """Returns what is meant by `choice`, up or only kept; None if nothing is. Raises if that is not clear."""
    found = known(home, choice)
    if len(found) > 1:  # what is up goes before what was kept
        found = [one for one in found if _may_be_up(_make(home, one))] or found
    if len(found) > 1:
        raise BadUsageError(
            f"More than one is up: {', '.join(map(str, found))}",
            fix="Choose with --target, --cluster for k3d, --context and --namespace for kubernetes",
        )
    if not found:
        return None
    return _make(home, found[0], commands, keep_cluster=keep_cluster)


def _make(
    home: Home, found: Deployment, commands: Commands = SILENT, *, keep_cluster: bool = False
) -> Target:
    given: dict[str, dict[str, Any]] = {found.target: dict(found.given)}
    if keep_cluster:
        given.setdefault(K3D, {})["keep_cluster"] = True
    return make(found.target, home, options_for(found.target, given), commands)


def _may_be_up(target: Target) -> bool:
    with suppress(UnavailableError):
        return target.settings() is not None
    return True  # it cannot be told


def require(home: Home, choice: Choice, commands: Commands = SILENT) -> Target:
    """As `find`; raises `UnavailableError` if nothing is up."""
    target = find(home, choice, commands)
    if target is None or target.settings() is None:
        meant = f" on {choice.name}" if choice.name else ""
        raise UnavailableError(f"Nothing is up{meant}", fix="Run 'todoctl up' first")
    return target
