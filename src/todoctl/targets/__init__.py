"""Which target a command is about. Targets are imported only when they are used."""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from todoctl.errors import BadUsageError, UnavailableError
from todoctl.state import Home
from todoctl.targets.base import Progress, Target

LOCAL, K3D, KUBERNETES = "local", "k3d", "kubernetes"
NAMES = (K3D, LOCAL, KUBERNETES)

NAMED_BY = {K3D: ("cluster",), KUBERNETES: ("context", "namespace"), LOCAL: ()}
"""The options that name one deployment on a target."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A target, and the options that name one deployment on it; None if the command line does not say."""

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

    def __str__(self) -> str:
        return " ".join([str(self.name), *self.given().values()])

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
        options = [option for names in NAMED_BY.values() for option in names]
        return {option: getattr(self, option) for option in options if getattr(self, option) is not None}

    def fits(self, found: "Choice") -> bool:
        """Returns whether `found` may be meant."""
        return self.named in {None, found.name} and self.given().items() <= found.given().items()


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


def make(choice: Choice, home: Home, *, keep_cluster: bool = False) -> Target:
    """Returns the target of that choice, for a command that does not bring it up."""
    if keep_cluster and choice.named != K3D:
        raise BadUsageError(
            f"--keep-cluster goes with --target k3d only, and the target is {choice.named}",
            fix="Use --target k3d, or leave --keep-cluster out",
        )
    if choice.named == LOCAL:
        from todoctl.targets.local.target import LocalTarget

        return LocalTarget(home)
    from todoctl.targets.kubernetes.target import KubernetesTarget

    given: dict[str, Any] = dict(choice.given())
    if choice.named == K3D:
        from todoctl.targets.k3d.options import ClusterOptions
        from todoctl.targets.k3d.provider import K3dCluster

        options = ClusterOptions(cluster=given.get("cluster", "k3s-default"), keep_cluster=keep_cluster)
        return KubernetesTarget(home, K3dCluster(home, options))
    from todoctl.targets.kubernetes.existing import ExistingCluster
    from todoctl.targets.kubernetes.options import NamespaceOptions

    return KubernetesTarget(home, ExistingCluster(home, NamespaceOptions(**given, stated=frozenset(given))))


def known(home: Home, choice: Choice) -> list[Choice]:
    """Returns what there may be of the choice: by the state directory, Docker's labels, and its options.

    Raises if that cannot be found out.
    """
    home.check_readable()
    found = [Choice(LOCAL)] if (home.path / LOCAL).is_dir() else []
    if choice.named in {None, K3D}:
        here = {entry.name for entry in (home.path / K3D).glob("*")}
        named = {choice.cluster} if choice.cluster else set()
        labelled = _clusters(choice, certain=bool(here), other=bool(found))
        found += [Choice(K3D, cluster=name) for name in sorted(here | labelled | named)]
    pairs = {(unquote(one.parent.name), one.name) for one in (home.path / KUBERNETES).glob("*/*")}
    if choice.context is not None and choice.namespace is not None:
        pairs.add((choice.context, choice.namespace))
    elif choice.context is not None and not any(context == choice.context for context, _ in pairs):
        pairs.add((choice.context, "default"))
    found += [Choice(KUBERNETES, context=one, namespace=two) for one, two in sorted(pairs)]
    return [one for one in found if choice.fits(one)]


def _clusters(choice: Choice, *, certain: bool, other: bool) -> set[str]:
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
        if choice.named == K3D or certain or (not other and shutil.which("k3d")):
            raise
        return set()


def find(home: Home, choice: Choice, *, keep_cluster: bool = False) -> Target | None:
    """Returns what is meant by `choice`, up or only kept; None if nothing is. Raises if that is not clear."""
    found = known(home, choice)
    if len(found) > 1:  # what is up goes before what was kept
        found = [one for one in found if _may_be_up(make(one, home))] or found
    if len(found) > 1:
        raise BadUsageError(
            f"More than one is up: {', '.join(map(str, found))}",
            fix="Choose with --target, --cluster for k3d, --context and --namespace for kubernetes",
        )
    return make(found[0], home, keep_cluster=keep_cluster) if found else None


def _may_be_up(target: Target) -> bool:
    with suppress(UnavailableError):
        return target.deployed() is not None
    return True  # it cannot be found out


def require(home: Home, choice: Choice) -> Target:
    """As `find`; raises `UnavailableError` if nothing is up."""
    target = find(home, choice)
    if target is None or target.deployed() is None:
        meant = f" on {choice.name}" if choice.name else ""
        raise UnavailableError(f"Nothing is up{meant}", fix="Run 'todoctl up' first")
    return target
