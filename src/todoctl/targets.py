"""Which target a command is about. Targets are imported only when they are used."""

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from todoctl.commands import SILENT, Commands
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.home import Home
from todoctl.target import Progress, Target

if TYPE_CHECKING:
    from todoctl.k3d.options import ClusterOptions

LOCAL, K3D = "local", "k3d"
NAMES = (K3D, LOCAL)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line says about the target: `name` and `cluster` are None where it is silent."""

    name: str | None
    cluster: str | None = None

    def __post_init__(self) -> None:
        if self.name is not None and self.name not in NAMES:
            raise BadUsageError(f"--target {self.name!r} is no target", fix=f"Use {' or '.join(NAMES)}")
        if self.name == LOCAL and self.cluster is not None:
            raise BadUsageError("--cluster goes with --target k3d only")

    @property
    def named(self) -> str | None:
        """The target that is named, if only by a cluster."""
        return self.name or (K3D if self.cluster else None)


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


def cluster_options(name: str, given: dict[str, Any]) -> "ClusterOptions | None":
    """The options for k3d; raises `BadUsageError` where some are given for another target."""
    if name != K3D:
        if given:
            option = "--" + next(iter(given)).replace("_", "-")
            raise BadUsageError(f"{option} goes with --target k3d only, and the target is {name}")
        return None
    from todoctl.k3d.options import ClusterOptions

    return ClusterOptions(**given, stated=frozenset(given))


def make(
    name: str, home: Home, options: "ClusterOptions | None" = None, commands: Commands = SILENT
) -> Target:
    """The target called `name`, which tells `commands` what it does; `options` are for k3d."""
    if name == LOCAL:
        from todoctl.local.target import LocalTarget

        return LocalTarget(home, commands)
    from todoctl.k3d.options import ClusterOptions
    from todoctl.k3d.target import K3dTarget

    return K3dTarget(home, options or ClusterOptions(), commands)


def known(home: Home, *, leftovers: bool = False) -> list[tuple[str, str]]:
    """Target and cluster ("" for local) of all that is up; with `leftovers` of all that left a trace."""
    places = [(LOCAL, "", home.path / LOCAL)]
    clusters = home.path / K3D
    if clusters.is_dir():
        places += [(K3D, entry.name, entry) for entry in sorted(clusters.iterdir())]
    return [
        (name, cluster)
        for name, cluster, path in places
        if (path.is_dir() if leftovers else (path / "state.json").is_file())
    ]


def find(
    home: Home,
    choice: Choice,
    commands: Commands = SILENT,
    *,
    leftovers: bool = False,
    keep_cluster: bool = False,
) -> Target | None:
    """What is up and meant by `choice`; None where nothing is. Raises where that is not clear."""
    found = [
        (name, cluster)
        for name, cluster in known(home, leftovers=leftovers)
        if choice.name in {None, name} and choice.cluster in {None, cluster}
    ]
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(f"{name} {cluster}".strip() for name, cluster in found)
        raise BadUsageError(
            f"More than one is up: {names}", fix="Choose with --target, and --cluster for k3d"
        )
    name, cluster = found[0]
    given: dict[str, Any] = {"cluster": cluster} if cluster else {}
    if keep_cluster:
        given["keep_cluster"] = True
    return make(name, home, cluster_options(name, given), commands)


def require(home: Home, choice: Choice, commands: Commands = SILENT) -> Target:
    """As `find`; raises `UnavailableError` where nothing is up."""
    target = find(home, choice, commands)
    if target is None:
        meant = f" on {choice.name}" if choice.name else ""
        raise UnavailableError(f"Nothing is up{meant}", fix="Run 'todoctl up' first")
    return target
