"""Adapts a submission to the slot in which it runs, so that many run side by side on one cluster.

Only what has to be different is changed, and each change is noted with its line.
"""

import re
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from todoctl.grade.baseline import refusals
from todoctl.grade.catalogue import Finding, finding
from todoctl.grade.choice import POD, Route, containers, routes, storage_class
from todoctl.grade.documents import Document, KeyPath
from todoctl.grade.submission import Submission
from todoctl.kube.manifests import Resource

HOSTNAME = "kubernetes.io/hostname"

INGRESS = "networking.k8s.io/v1"

MIDDLEWARES = "traefik.ingress.kubernetes.io/router.middlewares"

ANNOTATIONS = frozenset(
    {
        "nginx.ingress.kubernetes.io/rewrite-target",
        "nginx.ingress.kubernetes.io/use-regex",
        "traefik.ingress.kubernetes.io/router.entrypoints",
        "traefik.ingress.kubernetes.io/router.pathmatcher",
        MIDDLEWARES,
    }
)
"""Those of an Ingress that are kept; others could lead more here than the submission's own host."""

SCHEDULING = (
    "affinity",
    "nodeName",
    "nodeSelector",
    "priorityClassName",
    "runtimeClassName",
    "schedulerName",
)
"""What a pod says of where it runs: that is the slot's to say."""

ELSEWHERE = ("finalizers", "generateName", "managedFields", "ownerReferences", "resourceVersion", "uid")
"""What the metadata of a resource has when it was taken from a cluster."""

OWN_SERVICE = (
    "allocateLoadBalancerNodePorts",
    "clusterIPs",
    "externalTrafficPolicy",
    "healthCheckNodePort",
    "loadBalancerClass",
    "loadBalancerIP",
)
"""What a Service says of how it is reached from outside of the cluster."""


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
    """"" where it was not there."""
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


def adapt(submission: Submission, slot: Slot) -> Adapted:
    """Returns the resources of a submission as they are applied in a slot."""
    refused = tuple(refusals(submission.documents, submission.beside))
    if refused:
        return Adapted((), (), refused, ())
    adapting = _Adapting(submission, slot)
    resources = [adapting.adapted(document) for document in submission.documents]
    if not submission.of("Ingress", "HTTPRoute") and submission.of("Service"):
        resources.append(adapting.new_ingress(submission.of("Service")[0]))
    directories = tuple(dict.fromkeys(adapting.directories))
    return Adapted(tuple(resources), tuple(adapting.changes), tuple(adapting.findings), directories)


class _Edit:
    """One resource while it is changed."""

    def __init__(self, document: Document, changes: list[Change]) -> None:
        self.document = document
        self.resource: Resource = deepcopy(document.resource)
        self._changes = changes

    def set(self, path: KeyPath, new: object, why: str) -> None:
        """Sets a value, with the mappings above it; a change is noted where another value was there."""
        value = self._parent(path)
        old = value.get(path[-1])
        if old != new:
            value[path[-1]] = new
            self.note(path, old, new, why)

    def set_quietly(self, path: KeyPath, new: object) -> None:
        """Sets a value that is todoctl's own business."""
        self._parent(path)[path[-1]] = new

    def drop(self, path: KeyPath, why: str) -> None:
        """Takes a value away, if it is there."""
        old = self._parent(path).pop(path[-1], None)
        if old is not None:
            self.note(path, old, "", why)

    def note(self, path: KeyPath, old: object, new: object, why: str) -> None:
        """Notes a change."""
        at = self.document.at(*path)
        self._changes.append(Change(at, ".".join(map(str, path)), _shown(old), _shown(new), why))

    def _parent(self, path: KeyPath) -> dict[str | int, object]:
        value: object = self.resource
        for key in path[:-1]:
            if isinstance(value, list) and isinstance(key, int):
                value = value[key]
            elif isinstance(value, dict):
                if not isinstance(value.get(key), dict | list):
                    value[key] = {}
                value = value[key]
        return value if isinstance(value, dict) else {}


class _Adapting:
    """Goes over the resources of one submission."""

    def __init__(self, submission: Submission, slot: Slot) -> None:
        self.submission = submission
        self.slot = slot
        self.changes: list[Change] = []
        self.findings: list[Finding] = []
        self.directories: list[str] = []
        self._static = {storage_class(volume) or "" for volume in submission.of("PersistentVolume")}
        self._by_kind: dict[str, Callable[[_Edit], None]] = {
            "PersistentVolume": self._volume,
            "PersistentVolumeClaim": self._claim,
            "Deployment": self._workload,
            "StatefulSet": self._workload,
            "Service": self._service,
            "Ingress": self._ingress,
            "HTTPRoute": self._ingress,
        }

    def adapted(self, document: Document) -> Resource:
        """Returns one resource as it is applied."""
        edit = _Edit(document, self.changes)
        namespace = ("metadata", "namespace")
        if document.kind == "PersistentVolume":
            edit.drop(namespace, "a volume belongs to no namespace")
        elif document.text(*namespace):
            edit.set(namespace, self.slot.namespace, "each submission has a namespace of its own")
        else:
            edit.set_quietly(namespace, self.slot.namespace)
        for key in ELSEWHERE:
            edit.drop(("metadata", key), "it belongs to another cluster")
        if document.kind in self._by_kind:
            self._by_kind[document.kind](edit)
        return edit.resource

    def _volume(self, edit: _Edit) -> None:
        volume, own = edit.document, "each submission has volumes of its own"
        edit.set(("metadata", "name"), self._own(volume.name), own)
        edit.set(("spec", "storageClassName"), self._own(storage_class(volume) or "static"), own)
        if volume.mapping("spec", "claimRef"):
            edit.set(("spec", "claimRef", "namespace"), self.slot.namespace, own)
            for key in ELSEWHERE:
                edit.drop(("spec", "claimRef", key), "it belongs to another cluster")
        kinds = [key for key in volume.mapping("spec") if key not in _VOLUME and volume.mapping("spec", key)]
        node = [{"key": HOSTNAME, "operator": "In", "values": [self.slot.node]}]
        affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": node}]}}
        for kind in kinds:
            path = volume.text("spec", kind, "path")
            directory = f"{self.slot.directory}/{_slug(path or volume.name)}"
            if kind in {"local", "hostPath"}:
                edit.set(("spec", kind, "path"), directory, "each volume has a directory of its own")
                if kind == "hostPath":
                    edit.drop(("spec", kind, "type"), "todoctl makes the directory")
            else:
                edit.drop(("spec", kind), f"todoctl has no storage of the type {kind}")
                edit.set(
                    ("spec", "local"), {"path": directory}, "todoctl keeps volumes in a directory of a node"
                )
            self.directories.append(directory)
        old = volume.get("spec", "nodeAffinity")
        if old or kinds not in ([], ["local"]):
            edit.set_quietly(("spec", "nodeAffinity"), affinity)
            names = sorted(set(re.findall(r"'values': \['([^']+)'\]", str(old))))
            if names != [self.slot.node]:
                at = ("spec", "nodeAffinity")
                edit.note(at, ", ".join(names), self.slot.node, "the volumes are on this node of the cluster")

    def _claim(self, edit: _Edit, spec: KeyPath = ("spec",)) -> None:
        claim, own = edit.document, "it follows its volume"
        volume = claim.text(*spec, "volumeName")
        if volume:
            edit.set((*spec, "volumeName"), self._own(volume), own)
        path, named = (*spec, "storageClassName"), claim.get(*spec, "storageClassName") is not None
        wanted, classes = claim.text(*path), self.slot.storage_classes
        beside = [one for one in self.submission.beside if one.kind == "StorageClass" and one.name == wanted]
        same = [name for one in beside for name in classes if classes[name] == one.text("provisioner")]
        if not named and self.slot.default_storage_class:
            return
        if wanted in self._static:
            edit.set(path, self._own(wanted or "static"), own)
        elif same:
            edit.set(path, same[0], "the cluster has a class of the same provisioner")
        elif wanted not in classes:
            edit.set(path, self._own(wanted or "static"), "it must not get a volume of somebody else")
            at = claim.at(*path)
            if not any(one.at == at for one in self.submission.findings) and not volume:
                offered = (
                    f"no volume has it, nor has the cluster such a class ({', '.join(classes) or 'none'})"
                )
                self.findings.append(
                    finding("claim-class", at, title=claim.title, wanted=wanted, offered=offered)
                )

    def _workload(self, edit: _Edit) -> None:
        workload, slot = edit.document, self.slot
        for template in workload.each("spec", "volumeClaimTemplates"):
            self._claim(edit, (*template, "spec"))
        for key in ("serviceAccountName", "serviceAccount"):
            if workload.text(*POD, key) not in {"", "default"}:
                edit.drop((*POD, key), "an app gets no account of the cluster")
        edit.set_quietly((*POD, "automountServiceAccountToken"), False)
        if workload.get(*POD, "automountServiceAccountToken"):
            at = (*POD, "automountServiceAccountToken")
            edit.note(at, True, False, "an app gets no token for the cluster")
        for key in SCHEDULING:
            edit.drop((*POD, key), f"pods run where their volumes are ({slot.node})")
        for container in containers(workload):
            image, policy = workload.text(*container, "image"), (*container, "imagePullPolicy")
            if image not in slot.images:
                continue
            edit.set((*container, "image"), slot.images[image], "it is on the node under this name")
            if workload.text(*policy):
                edit.set(policy, "IfNotPresent", "no registry has the image under this name")
            else:
                edit.set_quietly(policy, "IfNotPresent")

    def _service(self, edit: _Edit) -> None:
        service, why = edit.document, "the page is reached through an Ingress, at a host of its own"
        if service.text("spec", "type") not in {"", "ClusterIP"}:
            edit.set(("spec", "type"), "ClusterIP", why)
        for port in service.each("spec", "ports"):
            edit.drop((*port, "nodePort"), "two submissions cannot have the same port of a node")
        for key in OWN_SERVICE:
            edit.drop(("spec", key), why)
        if service.text("spec", "clusterIP") != "None":
            edit.drop(("spec", "clusterIP"), "the cluster gives addresses")

    def _ingress(self, edit: _Edit) -> None:
        """Makes an entry an Ingress with the slot's host, to the app's own Services alone."""
        entry, slot = edit.document, self.slot
        services = {service.name for service in self.submission.of("Service")}
        found = routes(entry)
        mine = [route for route in found if route.service in services]
        for route in found:
            if mine and route not in mine:
                edit.note(route.backend, route.service, "", "this Service does not belong to the app")
        hosts = [entry.text(*rule, "host") for rule in entry.each("spec", "rules")]
        hostnames = entry.get("spec", "hostnames")
        hosts += map(str, hostnames) if isinstance(hostnames, list) else ()
        if hosts != [slot.host]:
            names = ", ".join(host for host in hosts if host)
            edit.note(("spec", "rules"), names, slot.host, "each submission has an address of its own")
        kept = {
            key: value
            for key, value in self._annotations(edit).items()
            if key in ANNOTATIONS and isinstance(value, str)
        }
        paths = [self._path(route) for route in mine or found]
        if entry.kind == "HTTPRoute":
            edit.note(("kind",), "HTTPRoute", "Ingress", "todoctl's cluster has no Gateway")
            for rule in entry.each("spec", "rules"):
                if entry.get(*rule, "filters"):
                    at = entry.at(*rule, "filters")
                    self.findings.append(finding("filters-left-out", at, title=entry.title))
        if entry.get("spec", "tls"):
            edit.note(("spec", "tls"), "tls", "", "todoctl visits the page over http")
        metadata = {**edit.resource["metadata"], "annotations": kept}
        edit.resource = self._made(metadata, paths, self._class(edit))
        if entry.kind == "Ingress":
            edit.resource["apiVersion"] = entry.text("apiVersion")

    def _path(self, route: Route) -> Resource:
        """Returns a path as it was written; that of an HTTPRoute, and the default, as an Ingress has it."""
        if route.entry.kind == "Ingress" and route.backend[-1] == "backend" and len(route.backend) > 2:
            return deepcopy(route.entry.mapping(*route.backend[:-1]))
        port: Resource = {"number": int(route.port)} if route.port.isdecimal() else {"name": route.port}
        backend = {"service": {"name": route.service, "port": port}}
        return {"path": route.path, "pathType": "Prefix", "backend": backend}

    def _annotations(self, edit: _Edit) -> dict[str, object]:
        """Returns an entry's annotations; its middlewares are those of the slot's namespace."""
        entry = edit.document
        found = dict(entry.mapping("metadata", "annotations"))
        names = [middleware.name for middleware in self.submission.of("Middleware")]
        if MIDDLEWARES in found:
            new = ",".join(f"{self.slot.namespace}-{name}@kubernetescrd" for name in names)
            why = "each submission has a namespace of its own"
            edit.note(("metadata", "annotations", MIDDLEWARES), found[MIDDLEWARES], new, why)
            found[MIDDLEWARES] = new
        return found

    def _class(self, edit: _Edit) -> str:
        """Returns the class of an Ingress, "" where it has none."""
        entry, slot = edit.document, self.slot
        at: KeyPath = ("spec", "ingressClassName")
        if not entry.text(*at):
            at = ("metadata", "annotations", "kubernetes.io/ingress.class")
        name, here, classes = entry.text(*at), slot.default_ingress_class, ", ".join(slot.ingress_classes)
        if name in slot.ingress_classes:
            here = name
        elif name:
            here = here or next(iter(slot.ingress_classes), "")
            edit.note(at, name, here, "it is a class that the cluster has")
            self.findings.append(
                finding("ingress-class", entry.at(*at), title=entry.title, name=name, classes=classes)
            )
        elif entry.kind == "Ingress" and not here:
            self.findings.append(
                finding("ingress-no-class", entry.at("spec"), title=entry.title, classes=classes)
            )
        return here

    def new_ingress(self, service: Document) -> Resource:
        """Returns an Ingress to a Service that no entry leads to."""
        edit = _Edit(service, self.changes)
        edit.note((), "", "Ingress", "the page is visited through an Ingress, and none leads to this Service")
        route = Route(service, ("metadata",), "/", service.name, service.text("spec", "ports", 0, "port"))
        metadata = {"name": service.name, "namespace": self.slot.namespace}
        return self._made(metadata, [self._path(route)], self.slot.default_ingress_class)

    def _made(self, metadata: Resource, paths: list[Resource], ingress_class: str) -> Resource:
        spec: Resource = {"rules": [{"host": self.slot.host, "http": {"paths": paths}}]}
        if ingress_class:
            spec["ingressClassName"] = ingress_class
        return {"apiVersion": INGRESS, "kind": "Ingress", "metadata": metadata, "spec": spec}

    def _own(self, name: str) -> str:
        """Returns a name of something cluster-wide that only this submission has."""
        return f"{self.slot.namespace}-{_slug(name)}"


_VOLUME = frozenset({"capacity", "claimRef", "nodeAffinity"})
"""What a volume's spec has beside its source."""


def _slug(text: str) -> str:
    """Returns the text as a part of a name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:100] or "volume"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
