"""What the user wants of a namespace."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from todoctl.errors import BadUsageError
from todoctl.kubernetes.manifests import NAMESPACE

LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ (RFC 1123 label names)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceOptions:
    """The kubeconfig's context and the namespace; storage class, image and pull secrets of the app there."""

    context: str
    namespace: str = NAMESPACE
    create_namespace: bool = False
    storage_class: str | None = None
    app_image: str | None = None
    pull_secret: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises `BadUsageError`."""
        if not self.context:
            raise BadUsageError("--context is empty", fix="See 'kubectl config get-contexts'")
        if not re.fullmatch(LABEL, self.namespace):
            raise BadUsageError(
                f"--namespace {self.namespace!r} is no name for a namespace",
                fix="Use up to 63 small letters, digits and dashes",
            )

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "pull_secret": list(self.pull_secret)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "NamespaceOptions":
        """Raises `KeyError`, `TypeError` or `BadUsageError` where `values` are not options."""
        return cls(**{**values, "pull_secret": tuple(values["pull_secret"])})
