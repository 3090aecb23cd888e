"""What the user wants of a namespace."""

import re
from dataclasses import asdict, dataclass, replace
from typing import Any

from todoctl.errors import BadUsageError
from todoctl.kube.manifests import NAMESPACE

LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ (RFC 1123 label names)"""

HOST = rf"{LABEL}(\.{LABEL})*(:[0-9]{{1,5}})?"

AT_CREATION = ("storage_class", "shared")
"""What a claim is created with and keeps."""

IMAGE = frozenset({"app_image", "registry"})
"""Either says where the app's image is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceOptions:
    """The kubeconfig's context and the namespace, and how the app is to be there.

    `host` is the ingress's or the route's, with the port after a colon where that is not 80. `gateway` is the
    name of one, with its namespace before a slash where that is another one. `stated` holds the names of the
    options that the user has given himself, even where that is their default.
    """

    context: str
    namespace: str = NAMESPACE
    create_namespace: bool = False
    storage_class: str | None = None
    replicas: int = 1
    app_image: str | None = None
    registry: str | None = None
    base_image: str | None = None
    pull_secret: tuple[str, ...] = ()
    host: str | None = None
    ingress_class: str | None = None
    gateway: str | None = None
    stated: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Raises `BadUsageError`."""
        if not self.context:
            raise BadUsageError("--context is empty", fix="See 'kubectl config get-contexts'")
        if not re.fullmatch(LABEL, self.namespace):
            raise BadUsageError(
                f"--namespace {self.namespace!r} is no name for a namespace",
                fix="Use up to 63 small letters, digits and dashes",
            )
        if not 1 <= self.replicas <= 20:
            raise BadUsageError(f"--replicas {self.replicas} is no number of pods", fix="Use 1 to 20")
        if self.stated >= IMAGE:
            raise BadUsageError("--app-image and --registry exclude each other", fix="Give one of them")
        if self.host is not None and not _is_host(self.host):
            raise BadUsageError(
                f"--host {self.host!r} is no host name",
                fix="Use one such as todo.example.org, without http://",
            )
        for name in ("ingress_class", "gateway"):
            if getattr(self, name) is not None and self.host is None:
                raise BadUsageError(
                    f"--{name.replace('_', '-')} goes with --host only", fix="Give --host, too"
                )
        if self.gateway is not None and not re.fullmatch(rf"({LABEL}/)?{LABEL}", self.gateway):
            raise BadUsageError(
                f"--gateway {self.gateway!r} is no gateway",
                fix="Use NAME or NAMESPACE/NAME of one that is there",
            )
        if self.gateway is not None and self.ingress_class is not None:
            raise BadUsageError("--gateway and --ingress-class exclude each other", fix="Give one of them")

    @property
    def host_name(self) -> str:
        """The host without its port; empty where there is none."""
        return (self.host or "").partition(":")[0]

    @property
    def shared(self) -> bool:
        """Whether several pods have the volume."""
        return self.replicas > 1

    def over(self, before: "NamespaceOptions") -> "NamespaceOptions":
        """These options, where the user has stated them, and else those of before.

        Raises `BadUsageError` where they are of a claim's that is there by now, which keeps them.
        """
        names = self.stated | (IMAGE if self.stated & IMAGE else frozenset())
        found = replace(before, **{name: getattr(self, name) for name in names}, stated=frozenset())
        if any(getattr(found, name) != getattr(before, name) for name in AT_CREATION):
            raise BadUsageError(
                "The claim is there, and keeps its storage class and access mode",
                fix="Run 'todoctl down' first; picture and counts go with the claim",
            )
        return found

    def to_json(self) -> dict[str, Any]:
        """All but what was stated, which is of one command only."""
        values = {**asdict(self), "pull_secret": list(self.pull_secret)}
        del values["stated"]
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "NamespaceOptions":
        """Raises `KeyError`, `TypeError` or `BadUsageError` where `values` are not options."""
        return cls(**{**values, "pull_secret": tuple(values["pull_secret"])})


def _is_host(host: str) -> bool:
    """Whether it is a name, with or without a port."""
    return bool(re.fullmatch(HOST, host)) and 1 <= int(host.partition(":")[2] or 80) <= 65535
