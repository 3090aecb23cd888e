"""Adapts a submission to the slot in which it runs, so that many can run side by side on one cluster."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from todoctl.grade.documents import Finding
from todoctl.kube.manifests import Resource


@dataclass(frozen=True)
class Slot:
    """Where a submission runs: a namespace, an address and a directory that are its own."""

    namespace: str
    host: str
    """The host name of its page."""
    node: str
    """The node that has its volumes: the value of the label kubernetes.io/hostname."""
    directory: str
    """An absolute path on that node; each volume gets a directory in it."""
    storage_classes: Mapping[str, str] = field(default_factory=dict)
    """The classes that the cluster has, and their provisioners."""
    default_storage_class: str = ""
    ingress_classes: Collection[str] = ()
    default_ingress_class: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    """What the nodes have under another name: image as the manifest has it -> image to run."""


@dataclass(frozen=True)
class Change:
    """What todoctl has changed, so that the submission runs in its slot."""

    at: str
    """FILE:LINE."""
    what: str
    """The key, as a path with dots."""
    old: str
    new: str
    """"" where it was taken away."""
    why: str


@dataclass(frozen=True)
class Adapted:
    """What is applied in a slot."""

    resources: tuple[Resource, ...]
    """In the order in which they are applied; none where something is refused."""
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    """What the cluster does not have, and what is refused."""
    directories: tuple[str, ...]
    """The directories of the volumes, which have to be there on the node."""
