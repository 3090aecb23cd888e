"""What the user wants of a cluster."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from todoctl.errors import BadUsageError
from todoctl.targets.k3d import extra_args

LISTEN = ("127.0.0.1", "0.0.0.0")  # noqa: S104 - only where the user asks for it

AT_CREATION = ("agents", "listen", "k3s_image", "k3d_arg")
"""What a cluster is created with and keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """Name, number of agents, where the port is bound, and the images to build and run with.

    `k3d_arg` is handed on to `k3d cluster create`. `stated` holds the names of the options that the user has
    given himself, even where that is their default.
    """

    cluster: str = "k3s-default"
    agents: int = 2
    base_image: str | None = None
    k3s_image: str | None = None
    adopt: bool = False
    listen: str = LISTEN[0]
    switch_context: bool = True
    keep_cluster: bool = False
    k3d_arg: tuple[str, ...] = ()
    stated: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Raises `BadUsageError`; the name's rule is that of k3d, which makes host names from it."""
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", self.cluster):
            raise BadUsageError(
                f"--cluster {self.cluster!r} is no name for a cluster",
                fix="Use up to 32 small letters, digits and dashes",
            )
        if not 0 <= self.agents <= 20:
            raise BadUsageError(f"--agents {self.agents} is no number of agents", fix="Use 0 to 20")
        if self.listen not in LISTEN:
            raise BadUsageError(
                f"--listen {self.listen!r} is no address to bind the port to",
                fix=f"Use {' or '.join(LISTEN)}",
            )
        extra_args.check(self.k3d_arg)

    @property
    def node(self) -> str:
        """The node that holds the volume and runs the pod; the documented one is agent 0."""
        return f"k3d-{self.cluster}-{'agent' if self.agents else 'server'}-0"

    def to_json(self) -> dict[str, Any]:
        """All but what was stated, which is of one command only."""
        values = {**asdict(self), "k3d_arg": list(self.k3d_arg)}
        del values["stated"]
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ClusterOptions":
        """Raises `TypeError` or `BadUsageError` where `values` are not options."""
        given = {**values}
        return cls(**{**given, "k3d_arg": tuple(given.get("k3d_arg", ()))})

    def differing(self, made: "ClusterOptions") -> list[str]:
        """What the user has stated otherwise than the cluster was `made`, which keeps it; in its words."""
        return [
            f"--{name.replace('_', '-')} {_shown(getattr(made, name))}"
            for name in AT_CREATION
            if name in self.stated and getattr(self, name) != getattr(made, name)
        ]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(value) or "left out"
    return "left out" if value is None else str(value)
