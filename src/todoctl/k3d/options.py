"""What the user wants of a cluster."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from todoctl.errors import BadUsageError

LISTEN = ("127.0.0.1", "0.0.0.0")  # noqa: S104 - only where the user asks for it
DEFAULT_BASE_IMAGE = "python:3.13-slim"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """Name, number of agents, where the port is bound, and the images to build and run with."""

    cluster: str = "k3s-default"
    agents: int = 2
    base_image: str | None = None
    k3s_image: str | None = None
    adopt: bool = False
    listen: str = LISTEN[0]
    switch_context: bool = True
    keep_cluster: bool = False

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

    @property
    def node(self) -> str:
        """The node that holds the volume and runs the pod; the documented one is agent 0."""
        return f"k3d-{self.cluster}-{self.role}-0"

    @property
    def role(self) -> str:
        """What k3d calls the nodes of that kind."""
        return "agent" if self.agents else "server"

    @property
    def server(self) -> str:
        """The node that the API server runs in."""
        return f"k3d-{self.cluster}-server-0"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
