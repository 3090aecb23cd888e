"""What the user wants of a cluster."""

import base64
import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

from todoctl.errors import BadUsageError

LISTEN = ("127.0.0.1", "0.0.0.0")  # noqa: S104 - only where the user asks for it

AT_CREATION = ("agents", "listen", "k3s_image", "k3d_arg")
"""What a cluster is created with and keeps."""

RESERVED = (
    (r"(--port|-p)[= ]?(.*:)?80(/tcp)?(@.*)?", "Use --port and --listen; other ports than 80 may be given"),
    (r"--runtime-label[= ]?todoctl(=.*|@.*)?", "By that label todoctl knows its own clusters"),
)
"""What contradicts todoctl's own arguments though k3d would take it, and what to do instead."""


def _option(default: Any, metavar: str, text: str) -> Any:  # noqa: ANN401 - as `field` itself
    return field(default=default, metadata={"metavar": metavar, "help": text})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """The options of `--target k3d`; each field but `keep_cluster`, of `down`, is an option of `up`.

    `stated` holds the names of those that the user has given, even if that is their default.
    """

    cluster: str = _option("k3s-default", "NAME", "The cluster's name. [default: k3s-default]")
    agents: int = _option(2, "NUMBER", "How many agent nodes. [default: 2]")
    listen: str = _option(LISTEN[0], "ADDRESS", "127.0.0.1, or 0.0.0.0 for the network. [default: 127.0.0.1]")
    base_image: str | None = _option(None, "REF", "The Python image to build on; also with --registry.")
    k3s_image: str | None = _option(None, "REF", "The image of the nodes.")
    k3d_arg: tuple[str, ...] = _option(
        (), "--OPTION=VALUE", "An option of 'k3d cluster create'; may be repeated."
    )
    adopt: bool = _option(False, "", "Use a cluster that todoctl did not make.")
    keep_context: bool = _option(False, "", "Leave kubectl's current context as it is.")
    keep_cluster: bool = False
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
        for word in self.k3d_arg:
            for pattern, fix in RESERVED:
                if re.fullmatch(pattern, word):
                    raise BadUsageError(f"--k3d-arg {word} contradicts what todoctl sets itself", fix=fix)
            if not word.startswith("-"):
                raise BadUsageError(
                    f"--k3d-arg {word!r} is no option of 'k3d cluster create'",
                    fix="Use --k3d-arg=--OPTION=VALUE, once for each option",
                )

    @property
    def node(self) -> str:
        """The node that holds the volume and runs the pod; the documented one is agent 0."""
        return f"k3d-{self.cluster}-{'agent' if self.agents else 'server'}-0"

    def label(self) -> str:
        """Returns what the cluster keeps, as the value of a container's label."""
        kept = {name: getattr(self, name) for name in AT_CREATION}
        return base64.urlsafe_b64encode(json.dumps(kept).encode()).decode().rstrip("=")

    def made_with(self, label: str) -> "ClusterOptions | None":
        """Returns these options with what a cluster's `label` says; None if it says nothing."""
        try:
            kept = json.loads(base64.urlsafe_b64decode(label + "=" * (-len(label) % 4)))
            kept["k3d_arg"] = tuple(kept["k3d_arg"])
            return replace(self, **{name: kept[name] for name in AT_CREATION})
        except (ValueError, KeyError, TypeError):
            return None

    def differing(self, made: "ClusterOptions") -> list[str]:
        """Returns what the user has stated otherwise than the cluster was `made`, which keeps it."""
        return [
            f"--{name.replace('_', '-')} {_shown(getattr(made, name))}"
            for name in AT_CREATION
            if name in self.stated and getattr(self, name) != getattr(made, name)
        ]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(value) or "left out"
    return "left out" if value is None else str(value)
