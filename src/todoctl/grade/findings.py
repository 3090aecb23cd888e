"""What is wrong with an app as far as its files say: the faults that people make, each with its line."""

import re
from collections.abc import Iterator

from todoctl.grade.catalogue import Finding, Severity, finding
from todoctl.grade.choice import (
    NEAR,
    POD,
    App,
    Repository,
    Route,
    containers,
    matches,
    mounts_a_claim,
    nearest,
    references,
    routes,
    storage_class,
)
from todoctl.grade.dockerfiles import Image, exposed, is_public
from todoctl.grade.documents import Document, KeyPath

VERSIONS = {
    "ConfigMap": "v1",
    "Deployment": "apps/v1",
    "Ingress": "networking.k8s.io/v1",
    "PersistentVolume": "v1",
    "PersistentVolumeClaim": "v1",
    "Secret": "v1",
    "Service": "v1",
    "StatefulSet": "apps/v1",
}

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"""

LABELS = ("spec", "template", "metadata", "labels")

PROVISIONED = frozenset({"local-path", "standard", "hostpath", "microk8s-hostpath"})
"""The classes with which the usual small clusters come, and which need no volume."""

UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
UNITS |= {f"{unit}i": 1024**power for power, unit in enumerate("KMGT", start=1)}
"""https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/"""


def check(app: App, repository: Repository, images: tuple[Image, ...]) -> Iterator[Finding]:
    """Returns what is wrong with an app that was chosen from a repository."""
    for document in app.documents:
        yield from _document(document, repository)
        if document.kind == "PersistentVolumeClaim":
            yield from _claim(document, repository)
        if document.kind == "PersistentVolume":
            yield from _volume(document)
    for workload in app.workloads:
        yield from _workload(workload)
        yield from _references(workload, repository)
        yield from _mounts(workload)
        yield from _images(workload, {image.name: image for image in images})
        if not any(map(mounts_a_claim, app.workloads)):
            yield _not_kept(workload)
    for service in app.services:
        yield from _service(service, app, repository, images)
    for entry in app.entries:
        yield from _entry(entry, app, repository)
    yield from _reached(app)
    yield from _namespaces(app, repository)


def _document(document: Document, repository: Repository) -> Iterator[Finding]:
    title, version = document.title, document.text("apiVersion")
    known = VERSIONS.get(document.kind, version)
    if version != known:
        yield finding("api-version", document.at("apiVersion"), title=title, version=version, known=known)
    if document.name and not NAME.fullmatch(document.name):
        at = document.at("metadata", "name")
        yield finding("name-invalid", at, name=document.name, kind=document.kind)
    for other in repository.of(document.kind):
        if other is not document and (other.name, other.folder) == (document.name, document.folder):
            yield finding("name-twice", other.at(), title=title, other=document.at())
    for key, value in document.mapping("data").items():
        if document.kind == "ConfigMap" and not isinstance(value, str):
            yield _not_text(document, ("data", key), f"{key} of {title}")


def _not_text(document: Document, at: KeyPath, what: str) -> Finding:
    value = document.get(*at)
    value = str(value).lower() if isinstance(value, bool) else value
    return finding("not-text", document.at(*at), what=what, key=at[-1], value=value)


def _workload(workload: Document) -> Iterator[Finding]:
    selector, labels = workload.mapping("spec", "selector", "matchLabels"), workload.mapping(*LABELS)
    if not matches(selector, labels) and not workload.get("spec", "selector", "matchExpressions"):
        yield finding(
            "selector-template",
            workload.at("spec", "selector", "matchLabels"),
            title=workload.title,
            selector=_shown(selector),
            labels=_shown(labels),
        )
    for container in containers(workload):
        for variable in workload.each(*container, "env"):
            value = workload.get(*variable, "value")
            if value is not None and not isinstance(value, str):
                name = workload.text(*variable, "name")
                yield _not_text(workload, (*variable, "value"), f"The value of {name}")


def _references(workload: Document, repository: Repository) -> Iterator[Finding]:
    missing: set[str] = set()
    for reference in references(workload):
        kind, name, at = reference.kind, reference.name, workload.at(*reference.at)
        found = repository.named(kind, name, workload)
        if found is None and name not in missing:
            missing.add(name)
            known = _names(repository, kind)
            yield finding("resource-missing", at, title=workload.title, kind=kind, name=name, known=known)
        if found is not None and reference.key:
            keys = [*found.mapping("data"), *found.mapping("stringData")]
            if reference.key not in keys:
                title = f"{found.title} ({found.at()})"
                yield finding("key-missing", at, title=title, key=reference.key, known=", ".join(keys))


def _names(repository: Repository, kind: str) -> str:
    return ", ".join(sorted({document.name for document in repository.of(kind)}))


def _mounts(workload: Document) -> Iterator[Finding]:
    declared = {workload.text(*volume, "name"): volume for volume in workload.each(*POD, "volumes")}
    templates = list(workload.each("spec", "volumeClaimTemplates"))
    known = {*declared, *(workload.text(*template, "metadata", "name") for template in templates)}
    mounted = {
        workload.text(*mount, "name"): mount
        for container in containers(workload)
        for mount in workload.each(*container, "volumeMounts")
    }
    for name, volume in declared.items():
        if name not in mounted:
            kept = workload.mapping(*volume, "persistentVolumeClaim")
            severity = Severity.FAULT if kept else Severity.HINT
            yield finding("volume-not-mounted", workload.at(*volume), severity, name=name)
    for name, mount in mounted.items():
        if name not in known:
            at, there = workload.at(*mount, "name"), ", ".join(sorted(known))
            yield finding("mount-undeclared", at, name=name, title=workload.title, known=there)


def _images(workload: Document, images: dict[str, Image]) -> Iterator[Finding]:
    for container in containers(workload):
        name, policy = workload.text(*container, "image"), workload.text(*container, "imagePullPolicy")
        at = workload.at(*container, "image")
        latest = "@" not in name and (":" not in name or name.endswith(":latest"))
        if not name:
            yield finding("image-none", at, title=workload.title)
        elif "/" in name or is_public(name):
            continue
        elif images[name].dockerfile is None:
            yield finding("image-nowhere", at, image=name, why=images[name].why)
        elif policy == "Always" or (latest and not policy):
            at = workload.at(*container, "imagePullPolicy") if policy else at
            yield finding("pull-policy", at, image=name)


def _not_kept(workload: Document) -> Finding:
    """Returns what is wrong with a workload that mounts no claim."""
    replicas = workload.get("spec", "replicas")
    if isinstance(replicas, int) and replicas > 1:
        return finding("replicas-apart", workload.at("spec", "replicas"), title=workload.title)
    for volume in workload.each(*POD, "volumes"):
        if workload.get(*volume, "emptyDir") is not None:
            return finding("emptydir", workload.at(*volume, "emptyDir"), title=workload.title)
    return finding("no-claim", workload.at(*POD), title=workload.title)


def _service(
    service: Document, app: App, repository: Repository, images: tuple[Image, ...]
) -> Iterator[Finding]:
    title, at = service.title, service.at("spec", "selector")
    workloads = repository.selected(service)
    if not workloads:
        known = "; ".join(f"{one.title}: {_shown(one.mapping(*LABELS))}" for one in app.workloads)
        selector = _shown(service.mapping("spec", "selector"))
        yield finding("service-selects-nothing", at, title=title, selector=selector, known=known)
        return
    if len({workload.name for workload in workloads}) > 1:
        others = " and ".join(workload.title for workload in workloads)
        yield finding("service-selects-several", at, title=title, others=others)
    names, numbers = _ports(workloads, images)
    listed = ", ".join(map(str, sorted(numbers)))
    for port in service.each("spec", "ports"):
        key = "targetPort" if service.text(*port, "targetPort") else "port"
        target, at = service.text(*port, key), service.at(*port, key)
        if not target.isdecimal() and target not in names:
            yield finding("port-name", at, title=title, port=target)
        elif target.isdecimal() and numbers and int(target) not in numbers:
            yield finding("port-number", at, title=title, port=target, known=listed)


def _ports(workloads: list[Document], images: tuple[Image, ...]) -> tuple[set[str], set[int]]:
    """Returns the names and numbers of the ports that containers and Dockerfiles speak of."""
    names: set[str] = set()
    texts: set[str] = set()
    numbers: set[int] = set()
    for workload in workloads:
        for container in containers(workload):
            for port in workload.each(*container, "ports"):
                names.add(workload.text(*port, "name"))
                texts.add(workload.text(*port, "containerPort"))
            for variable in workload.each(*container, "env"):
                if "PORT" in workload.text(*variable, "name").upper():
                    texts.add(workload.text(*variable, "value"))
            for image in images:
                if image.dockerfile and image.name == workload.text(*container, "image"):
                    numbers |= exposed(image.dockerfile)
    return names, numbers | {int(text) for text in texts if text.isdecimal()}


def _entry(entry: Document, app: App, repository: Repository) -> Iterator[Finding]:
    found = routes(entry)
    if not found:
        yield finding("ingress-empty", entry.at("spec", "rules"), title=entry.title)
    for route in found:
        service = repository.named("Service", route.service, entry)
        if service is None:
            severity = Severity.FAULT if len(found) == 1 or route.path == "/" else Severity.HINT
            at, known = entry.at(*route.backend), _names(repository, "Service")
            yield finding("ingress-service", at, severity, title=entry.title, name=route.service, known=known)
        elif service in app.services:
            yield from _route(route, service)


def _route(route: Route, service: Document) -> Iterator[Finding]:
    entry, ports = route.entry, list(service.each("spec", "ports"))
    if route.port not in {service.text(*port, key) for port in ports for key in ("port", "name")}:
        at = entry.at(*route.backend, "service", "port")
        known = ", ".join(service.text(*port, "port") for port in ports)
        yield finding(
            "ingress-port", at, title=entry.title, port=route.port, service=service.title, known=known
        )
    if entry.kind != "Ingress" or route.backend[-1] != "backend":
        return
    kind, at = entry.text(*route.backend[:-1], "pathType"), entry.at(*route.backend[:-1], "pathType")
    if not kind and entry.text("apiVersion") == VERSIONS["Ingress"]:
        yield finding("path-type", at, path=route.path, title=entry.title)
    if kind == "Exact":
        yield finding("path-exact", at, path=route.path, title=entry.title)


def _reached(app: App) -> Iterator[Finding]:
    """Returns which part is not there of what leads to the app from outside."""
    if not app.workloads:
        front = (app.services or app.entries)[0]
        yield finding("no-deployment", front.at(), title=front.title)
    elif not app.services:
        workload = app.workloads[0]
        yield finding("no-service", workload.at(*LABELS), title=workload.title)
    elif not app.entries:
        yield finding("no-ingress", app.services[0].at(), title=app.services[0].title)


def _claim(claim: Document, repository: Repository) -> Iterator[Finding]:
    name, wanted = claim.text("spec", "volumeName"), storage_class(claim)
    volumes = repository.volumes(claim)
    asked = [one for other in repository.of("PersistentVolumeClaim") for one in repository.volumes(other)]
    beside = [one for one in nearest(repository.of("PersistentVolume"), claim, NEAR) if one not in asked]
    if name and not volumes:
        known = _names(repository, "PersistentVolume")
        yield finding(
            "volume-missing", claim.at("spec", "volumeName"), title=claim.title, name=name, known=known
        )
    elif wanted is None and (volumes or beside) and not name:
        volume = _located((volumes or beside)[0])
        yield finding("volume-unused", claim.at("spec"), title=claim.title, volume=volume)
    elif wanted and not volumes and beside:
        severity = Severity.HINT if wanted in PROVISIONED else Severity.FAULT
        yield _other_class(claim, beside[0], severity)
    mismatches = [list(_mismatches(claim, volume)) for volume in volumes]
    if all(mismatches):
        yield from [mismatch for (mismatch, *_) in mismatches][:1]


def _mismatches(claim: Document, volume: Document) -> Iterator[Finding]:
    """Returns why a claim cannot have a volume that it asks for."""
    title, whose = claim.title, _located(volume)
    if (storage_class(volume) or "") != (storage_class(claim) or ""):
        yield _other_class(claim, volume, Severity.FAULT)
    size = ("spec", "resources", "requests", "storage")
    wanted, has = claim.text(*size), volume.text("spec", "capacity", "storage")
    if _bytes(wanted) > _bytes(has) > 0:
        at = claim.at(*size)
        yield finding("claim-too-large", at, title=title, wanted=wanted, volume=whose, offered=has)
    modes, offered = (_texts(one.get("spec", "accessModes")) for one in (claim, volume))
    if not set(modes) <= set(offered):
        at, one, other = claim.at("spec", "accessModes"), ", ".join(modes), ", ".join(offered)
        yield finding("claim-access-modes", at, title=title, wanted=one, volume=whose, offered=other)
    if {one.text("spec", "volumeMode") or "Filesystem" for one in (claim, volume)} != {"Filesystem"}:
        yield finding("claim-volume-mode", claim.at("spec", "volumeMode"), title=title, volume=whose)


def _other_class(claim: Document, volume: Document, severity: Severity) -> Finding:
    at, wanted = claim.at("spec", "storageClassName"), storage_class(claim) or ""
    offered = f'{volume.title} ({volume.at("spec", "storageClassName")}) has "{storage_class(volume) or ""}"'
    return finding("claim-class", at, severity, title=claim.title, wanted=wanted, offered=offered)


def _located(document: Document) -> str:
    return f"{document.title} ({document.at()})"


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _bytes(quantity: str) -> float:
    """Returns a quantity in bytes, 0 where it is none that a volume has."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(.*)", quantity)
    return float(match[1]) * UNITS.get(match[2], 0) if match else 0.0


def _volume(volume: Document) -> Iterator[Finding]:
    if volume.mapping("spec", "local") and not volume.mapping("spec", "nodeAffinity"):
        yield finding("local-no-node", volume.at("spec", "local"), title=volume.title)


def _namespaces(app: App, repository: Repository) -> Iterator[Finding]:
    """Whether what names each other is in one namespace."""
    main, key = app.core[0], ("metadata", "namespace")
    home = main.text(*key)
    mine = [document for document in app.documents if document.kind != "PersistentVolume"]
    for document in mine:
        other = document.text(*key)
        if home and other not in {"", home}:
            at, title = document.at(*key), document.title
            yield finding("namespace-differs", at, title=title, other=other, main=main.title, home=home)
    for document in [one for one in mine if bool(one.text(*key)) != bool(home)][:1]:
        yield finding("namespace-partly", document.at(*key), title=main.title, other=document.title)
    if home and home != "default" and home not in {one.name for one in repository.of("Namespace")}:
        yield finding("namespace-missing", main.at(*key), name=home)


def _shown(labels: dict[str, object]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in labels.items()) or "nothing"
