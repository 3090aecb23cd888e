"""What the user wants of a namespace."""

import re
from dataclasses import dataclass, field, fields, replace
from typing import Any

from todoctl.errors import BadUsageError
from todoctl.kube.manifests import NAMESPACE

LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ (RFC 1123 label names)"""

HOST = rf"{LABEL}(\.{LABEL})*(:[0-9]{{1,5}})?"

AT_CREATION = ("storage_class", "shared")
"""What a claim is created with and keeps."""

IN_MANIFESTS = (
    "namespace",
    "storage_class",
    "pull_secret",
    "replicas",
    "host",
    "ingress_class",
    "gateway",
)
"""What `todoctl manifests` takes as well."""

IMAGE = frozenset({"app_image", "registry"})
"""Either says where the app's image is."""


def _option(default: Any, metavar: str, text: str) -> Any:  # noqa: ANN401 - as `field` itself
    return field(default=default, metadata={"metavar": metavar, "help": text})


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceOptions:
    """The options of `--target kubernetes`; each field is an option of the same name.

    `stated` holds the names of those that the user has given, even if that is their default.
    """

    context: str = _option("", "NAME", "The context of your kubeconfig; always needed.")
    namespace: str = _option(NAMESPACE, "NAME", "The namespace. [default: default]")
    create_namespace: bool = _option(False, "", "Make the namespace if it is missing.")
    app_image: str | None = _option(None, "REF", "The app's image, as the cluster can pull it.")
    registry: str | None = _option(None, "HOST/PATH", "Build the app's image here, and push it there.")
    base_image: str | None = _option(None, "REF", "The Python image to build on, with --registry.")
    pull_secret: tuple[str, ...] = _option((), "NAME", "A secret to pull with; may be repeated.")
    storage_class: str | None = _option(None, "NAME", "The claim's storage class. [default: the cluster's]")
    replicas: int = _option(1, "NUMBER", "How many pods; several need ReadWriteMany. [default: 1]")
    host: str | None = _option(None, "NAME[:PORT]", "The page by an ingress, not by a port here.")
    ingress_class: str | None = _option(None, "NAME", "The ingress's class. [default: the cluster's]")
    gateway: str | None = _option(
        None, "[NAMESPACE/]NAME", "The page by this gateway's route, not by an ingress."
    )
    stated: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Raises `BadUsageError`."""
        if not self.context:
            what = "--context is empty" if "context" in self.stated else "--target kubernetes needs --context"
            raise BadUsageError(what, fix="See 'kubectl config get-contexts' for its name")
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
        """The host without its port; empty if there is none."""
        return (self.host or "").partition(":")[0]

    @property
    def shared(self) -> bool:
        """Whether several pods mount the volume."""
        return self.replicas > 1

    def over(self, before: "NamespaceOptions") -> "NamespaceOptions":
        """Returns these options where the user has stated them, and else those of before.

        Raises `BadUsageError` if they differ in what the claim that is there keeps.
        """
        names = self.stated | (IMAGE if self.stated & IMAGE else frozenset())
        found = replace(before, **{name: getattr(self, name) for name in names}, stated=frozenset())
        if any(getattr(found, name) != getattr(before, name) for name in AT_CREATION):
            raise BadUsageError(
                "The claim is there, and keeps its storage class and access mode",
                fix="Run 'todoctl down' first; picture and counts go with the claim",
            )
        return found

    def recalled(self, values: dict[str, Any]) -> "NamespaceOptions":
        """Returns these options with `values` of an earlier `up`; those of other versions are ignored."""
        names = {one.name for one in fields(self)} - {"context", "namespace", "stated"}
        known = {name: value for name, value in values.items() if name in names}
        known["pull_secret"] = tuple(known.get("pull_secret") or ())
        return replace(self, **known, stated=frozenset())


def _is_host(host: str) -> bool:
    """Whether it is a name, with or without a port."""
    return bool(re.fullmatch(HOST, host)) and 1 <= int(host.partition(":")[2] or 80) <= 65535
