"""What is wrong with an app as far as its files say: the faults that people make, each with its line."""

import re
from collections.abc import Iterator

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
from todoctl.grade.documents import Document, Finding, KeyPath, Severity

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

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
UNITS |= {f"{unit}i": 1024**power for power, unit in enumerate("KMGT", start=1)}


def check(app: App, repository: Repository, images: tuple[Image, ...]) -> Iterator[Finding]:
    """Returns what is wrong with an app that was chosen from a repository."""
    for document in app.documents:
        yield from _document(document)
        for other in repository.of(document.kind):
            if other is not document and (other.name, other.folder) == (document.name, document.folder):
                yield Finding(
                    "name-twice",
                    f"{document.title} is at {document.at()} as well, and that one is graded",
                    other.at(),
                    "Give one of them another name, or take it away: a cluster has one of that name",
                    Severity.HINT,
                )
    for workload in app.workloads:
        yield from _workload(workload)
        yield from _references(workload, repository)
        yield from _mounts(workload)
        yield from _images(workload, {image.name: image for image in images})
    yield from _kept(app)
    for service in app.services:
        yield from _service(service, app, repository, images)
    for entry in app.entries:
        yield from _entry(entry, app, repository)
    yield from _reached(app)
    for claim in app.needs:
        if claim.kind == "PersistentVolumeClaim":
            yield from _claim(claim, repository)
        if claim.kind == "PersistentVolume":
            yield from _volume(claim)
    yield from _namespaces(app, repository)


def _document(document: Document) -> Iterator[Finding]:
    known = VERSIONS.get(document.kind)
    if known and document.text("apiVersion") != known:
        version = document.text("apiVersion")
        yield Finding(
            "api-version",
            f'{document.title} has the apiVersion "{version}", which no cluster of today knows',
            document.at("apiVersion"),
            f"Write apiVersion: {known}"
            + (
                ", and the backend as service.name and service.port.number"
                if document.kind == "Ingress"
                else ""
            ),
        )
    if document.name and not NAME.fullmatch(document.name):
        yield Finding(
            "name-invalid",
            f'"{document.name}" is no name for a {document.kind}',
            document.at("metadata", "name"),
            "Use small letters, digits and hyphens alone",
        )
    data = document.mapping("data") if document.kind == "ConfigMap" else {}
    for key, value in data.items():
        if not isinstance(value, str):
            yield _not_text(document, ("data", key), f"{key} of {document.title}")


def _not_text(document: Document, at: KeyPath, what: str) -> Finding:
    value = document.get(*at)
    shown = str(value).lower() if isinstance(value, bool) else value
    return Finding(
        "not-text",
        f"{what} is not text, so the cluster does not take it",
        document.at(*at),
        f'Put it in quotes: {at[-1]}: "{shown}"',
    )


def _workload(workload: Document) -> Iterator[Finding]:
    selector = workload.mapping("spec", "selector", "matchLabels")
    labels = workload.mapping(*LABELS)
    if not matches(selector, labels) and not workload.get("spec", "selector", "matchExpressions"):
        yield Finding(
            "selector-template",
            f"The selector of {workload.title} is not among the labels of its own pods ({_shown(labels)})",
            workload.at("spec", "selector", "matchLabels"),
            f"Write the labels of the selector ({_shown(selector)}) in spec.template.metadata.labels, too",
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
        found = repository.named(reference.kind, reference.name, workload)
        at = workload.at(*reference.at)
        if found is None and reference.name in missing:
            continue
        if found is None:
            missing.add(reference.name)
            yield Finding(
                f"{reference.kind.removeprefix('PersistentVolume').lower()}-missing",
                f'{workload.title} needs the {reference.kind} "{reference.name}", which no file has',
                at,
                f"Add its manifest, or name one that is there{_names(repository, reference.kind)}",
            )
        elif reference.key and reference.key not in {*found.mapping("data"), *found.mapping("stringData")}:
            yield Finding(
                "key-missing",
                f'{found.title} ({found.at()}) has no key "{reference.key}"',
                at,
                f"Add the key, or name one that is there ({', '.join(found.mapping('data')) or 'none is'})",
            )


def _names(repository: Repository, kind: str) -> str:
    names = sorted({document.name for document in repository.of(kind)})
    return f" ({', '.join(names)})" if names else ""


def _mounts(workload: Document) -> Iterator[Finding]:
    declared = {workload.text(*volume, "name"): volume for volume in workload.each(*POD, "volumes")}
    templates = {
        workload.text(*template, "metadata", "name")
        for template in workload.each("spec", "volumeClaimTemplates")
    }
    mounted = {
        workload.text(*mount, "name"): mount
        for container in containers(workload)
        for mount in workload.each(*container, "volumeMounts")
    }
    for name, volume in declared.items():
        if name not in mounted:
            kept = bool(workload.mapping(*volume, "persistentVolumeClaim"))
            yield Finding(
                "volume-not-mounted",
                f'The volume "{name}" is declared, but no container mounts it'
                + (", so nothing is kept on its claim" if kept else ""),
                workload.at(*volume),
                f"Add name: {name} and its mountPath to the volumeMounts of the container that writes there",
                Severity.FAULT if kept else Severity.HINT,
            )
    for name, mount in mounted.items():
        if name not in declared and name not in templates:
            yield Finding(
                "mount-undeclared",
                f'A container mounts the volume "{name}", which {workload.title} does not declare',
                workload.at(*mount, "name"),
                f"Declare it under volumes, or mount one that is there ({', '.join(declared) or 'none is'})",
            )


def _images(workload: Document, images: dict[str, Image]) -> Iterator[Finding]:
    for container in containers(workload):
        name = workload.text(*container, "image")
        at = (*container, "image")
        if not name:
            yield Finding(
                "image-none",
                f"A container of {workload.title} names no image",
                workload.at(*container),
                "Write image: and the name of what you have built",
            )
            continue
        if "/" in name or is_public(name):
            continue
        policy = workload.text(*container, "imagePullPolicy")
        latest = "@" not in name and (":" not in name or name.endswith(":latest"))
        if images[name].dockerfile is None:
            yield Finding(
                "image-nowhere",
                f'No registry has the image "{name}", and {images[name].why}',
                workload.at(*at),
                "Name the directory that it is built in with --build DIR, or push it and write USER/NAME:TAG",
            )
        elif policy == "Always" or (latest and not policy):
            yield Finding(
                "pull-policy",
                f'The image "{name}" is pulled each time that a pod starts, but no registry has it',
                workload.at(*container, "imagePullPolicy") if policy else workload.at(*at),
                "Write imagePullPolicy: IfNotPresent; `k3d image import` brings the image to the nodes",
                Severity.HINT,
            )


def _kept(app: App) -> Iterator[Finding]:
    """Whether there is anything that outlives a pod."""
    if any(map(mounts_a_claim, app.workloads)):
        return
    for workload in app.workloads:
        replicas = workload.get("spec", "replicas")
        several = isinstance(replicas, int) and replicas > 1
        temporary = [
            volume
            for volume in workload.each(*POD, "volumes")
            if workload.get(*volume, "emptyDir") is not None
        ]
        what = "each of its pods has a picture of its own" if several else "the picture ends with its pod"
        yield Finding(
            "replicas-apart" if several else "emptydir" if temporary else "no-claim",
            f"{workload.title} mounts no claim, so {what}",
            workload.at("spec", "replicas") if several else workload.at(*(temporary or [POD])[0]),
            "Mount a PersistentVolumeClaim" + (", instead of the emptyDir" if temporary else ""),
        )


def _service(
    service: Document, app: App, repository: Repository, images: tuple[Image, ...]
) -> Iterator[Finding]:
    selector = service.mapping("spec", "selector")
    workloads = repository.selected(service)
    if not workloads:
        labels = "; ".join(f"{one.title}: {_shown(one.mapping(*LABELS))}" for one in app.workloads)
        yield Finding(
            "service-selects-nothing",
            f"{service.title} selects {_shown(selector)}, and no pod has these labels",
            service.at("spec", "selector"),
            f"Write the labels of the pods that it is for ({labels or 'there is no Deployment'})",
        )
        return
    if len({workload.name for workload in workloads}) > 1:
        yield Finding(
            "service-selects-several",
            f"{service.title} selects the pods of " + " and ".join(one.title for one in workloads),
            service.at("spec", "selector"),
            "Give each Deployment a label of its own, and select one",
            Severity.HINT,
        )
    names, numbers = _ports(workloads, images)
    for port in service.each("spec", "ports"):
        target = service.get(*port, "targetPort") or service.get(*port, "port")
        at = service.at(*port, "targetPort" if service.get(*port, "targetPort") else "port")
        if isinstance(target, str) and not target.isdigit() and target not in names:
            yield Finding(
                "port-name",
                f'{service.title} leads to the port "{target}", and no container has a port of that name',
                at,
                f"Write the number, or name: {target} under the container's ports",
            )
        elif str(target).isdigit() and numbers and int(str(target)) not in numbers:
            listed = ", ".join(map(str, sorted(numbers)))
            yield Finding(
                "port-number",
                f"{service.title} leads to port {target}, but container and Dockerfile speak of {listed}",
                at,
                f"Write the port on which the app listens as targetPort ({listed})",
                Severity.HINT,
            )


def _ports(workloads: list[Document], images: tuple[Image, ...]) -> tuple[set[str], set[int]]:
    """Returns the names and numbers of the ports that containers and Dockerfiles speak of."""
    names: set[str] = set()
    numbers: set[int] = set()
    for workload in workloads:
        for container in containers(workload):
            for port in workload.each(*container, "ports"):
                names.add(workload.text(*port, "name"))
                numbers |= _numbers(workload.text(*port, "containerPort"))
            for variable in workload.each(*container, "env"):
                if "PORT" in workload.text(*variable, "name").upper():
                    numbers |= _numbers(workload.text(*variable, "value"))
            used = [one for one in images if one.name == workload.text(*container, "image")]
            numbers |= {port for image in used if image.dockerfile for port in exposed(image.dockerfile)}
    return names, numbers


def _numbers(text: str) -> set[int]:
    return {int(text)} if text.isdecimal() else set()


def _entry(entry: Document, app: App, repository: Repository) -> Iterator[Finding]:
    found = routes(entry)
    if not found:
        yield Finding(
            "ingress-empty",
            f"{entry.title} leads nowhere",
            entry.at("spec", "rules"),
            "Write spec.rules[].http.paths[].backend.service with its name and port; the indentation counts",
        )
    for route in found:
        service = repository.named("Service", route.service, entry)
        if service is None:
            yield Finding(
                "ingress-service",
                f'{entry.title} leads to the Service "{route.service}", which no file has',
                entry.at(*route.backend),
                f"Write the name of a Service that is there{_names(repository, 'Service')}",
                Severity.FAULT if len(found) == 1 or route.path == "/" else Severity.HINT,
            )
        elif service in app.services:
            yield from _route(route, service)


def _route(route: Route, service: Document) -> Iterator[Finding]:
    ports = list(service.each("spec", "ports"))
    known = {service.text(*port, key) for port in ports for key in ("port", "name")}
    if route.port not in known:
        numbers = ", ".join(service.text(*port, "port") for port in ports)
        yield Finding(
            "ingress-port",
            f"{route.entry.title} leads to port {route.port or '(none)'} of {service.title},"
            f" which has {numbers or 'none'}",
            route.entry.at(*route.backend, "service", "port"),
            f"Write the port of the Service ({numbers}), which need not be that of the container",
        )
    if route.entry.kind != "Ingress" or route.backend[-1] != "backend":
        return
    kind = route.entry.text(*route.backend[:-1], "pathType")
    if not kind and route.entry.text("apiVersion") == VERSIONS["Ingress"]:
        yield Finding(
            "path-type",
            f"The path {route.path} of {route.entry.title} has no pathType, so the cluster does not take it",
            route.entry.at(*route.backend[:-1]),
            "Write pathType: Prefix",
        )
    if kind == "Exact":
        yield Finding(
            "path-exact",
            f"{route.entry.title} leads exactly {route.path} to the app, and no picture at another path",
            route.entry.at(*route.backend[:-1], "pathType"),
            "Write pathType: Prefix",
            Severity.HINT,
        )


def _reached(app: App) -> Iterator[Finding]:
    """Whether anything leads to the app from outside."""
    if not app.services and app.workloads:
        yield Finding(
            "no-service",
            f"No Service selects the pods of {app.workloads[0].title}, so nothing leads to it",
            app.workloads[0].at(*LABELS),
            "Add a Service with these labels as its selector, and an Ingress",
        )
    elif not app.workloads:
        front = (app.services or app.entries)[0]
        yield Finding(
            "no-deployment",
            f"{front.title} is there, but no Deployment that it could lead to",
            front.at(),
            "Add the manifest of the Deployment, or correct the file that cannot be read",
        )
    elif not app.entries:
        yield Finding(
            "no-ingress",
            f"No Ingress leads to {app.services[0].title}",
            app.services[0].at(),
            "Add an Ingress, as exercise 1.8 asks for",
            Severity.HINT,
        )


def _claim(claim: Document, repository: Repository) -> Iterator[Finding]:
    name, wanted = claim.text("spec", "volumeName"), storage_class(claim)
    volumes = repository.volumes(claim)
    asked = [one for other in repository.of("PersistentVolumeClaim") for one in repository.volumes(other)]
    beside = [one for one in nearest(repository.of("PersistentVolume"), claim, NEAR) if one not in asked]
    where = claim.at("spec", "storageClassName")
    if name and not volumes:
        yield Finding(
            "volume-missing",
            f'{claim.title} names the volume "{name}", which no file has',
            claim.at("spec", "volumeName"),
            f"Write the name of a volume that is there{_names(repository, 'PersistentVolume')}, or none",
        )
    elif wanted is None and (volumes or beside) and not name:
        volume = (volumes or beside)[0]
        yield Finding(
            "volume-unused",
            f"{claim.title} names no storageClassName, so a default class gives it a new volume,"
            f" and {volume.title} ({volume.at()}) is not used",
            claim.at("spec"),
            "Write the same storageClassName in volume and claim",
            Severity.HINT,
        )
    elif wanted and not volumes and beside:
        volume = beside[0]
        yield Finding(
            "claim-class",
            f'{claim.title} asks for storageClassName "{wanted}", and no volume has it:'
            f' {volume.title} ({volume.at("spec", "storageClassName")}) has "{storage_class(volume) or ""}"',
            where,
            "Write the same storageClassName in volume and claim",
            Severity.HINT if wanted in PROVISIONED else Severity.FAULT,
        )
    misfits = [list(_misfits(claim, volume)) for volume in volumes]
    if all(misfits):
        yield from [misfit for (misfit, *_) in misfits][:1]


def _misfits(claim: Document, volume: Document) -> Iterator[Finding]:
    """Returns why a claim cannot have a volume that it asks for."""
    whose = f"{volume.title} ({volume.at()})"
    if (storage_class(volume) or "") != (storage_class(claim) or ""):
        yield Finding(
            "claim-class",
            f'{claim.title} names {whose}, whose storageClassName is "{storage_class(volume) or ""}"',
            claim.at("spec", "storageClassName"),
            "Write the same storageClassName in volume and claim",
        )
    size = ("spec", "resources", "requests", "storage")
    has = volume.text("spec", "capacity", "storage")
    if _bytes(claim.text(*size)) > _bytes(has) > 0:
        yield Finding(
            "claim-too-large",
            f"{claim.title} asks for {claim.text(*size)}, and {whose} has {has}",
            claim.at(*size),
            f"Ask for {has} at most, or enlarge the volume",
        )
    wanted, offered = (_texts(one.get("spec", "accessModes")) for one in (claim, volume))
    if not set(wanted) <= set(offered):
        yield Finding(
            "claim-access-modes",
            f"{claim.title} asks for {', '.join(wanted)}, and {whose} has {', '.join(offered)}",
            claim.at("spec", "accessModes"),
            "Write the same accessModes in volume and claim",
        )
    mode = ("spec", "volumeMode")
    if (claim.text(*mode) or "Filesystem") != (volume.text(*mode) or "Filesystem"):
        yield Finding(
            "claim-volume-mode",
            f"{claim.title} and {whose} have not the same volumeMode",
            claim.at(*mode),
            "Write volumeMode: Filesystem in both",
        )


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _bytes(quantity: str) -> float:
    """Returns a quantity in bytes, 0 where it is none: https://kubernetes.io/docs/reference/kubernetes-api/."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?i?|k)", quantity)
    return float(match[1]) * UNITS[match[2].replace("k", "K")] if match and match[2] != "i" else 0.0


def _volume(volume: Document) -> Iterator[Finding]:
    if volume.mapping("spec", "local") and not volume.mapping("spec", "nodeAffinity"):
        yield Finding(
            "local-no-node",
            f"{volume.title} is local to a node, and does not say to which, so the cluster does not take it",
            volume.at("spec", "local"),
            "Add spec.nodeAffinity with the node's name, as the course material does",
        )


def _namespaces(app: App, repository: Repository) -> Iterator[Finding]:
    """Whether what names each other is in one namespace."""
    mine = [document for document in app.documents if document.kind != "PersistentVolume"]
    main = app.core[0]
    home = main.text("metadata", "namespace")
    namespaces = {document: document.text("metadata", "namespace") for document in mine}
    for document, namespace in namespaces.items():
        if home and namespace not in {"", home}:
            yield Finding(
                "namespace-differs",
                f'{document.title} is in the namespace "{namespace}", and {main.title} in "{home}"',
                document.at("metadata", "namespace"),
                "Write the same metadata.namespace in all of them",
            )
    without = [document for document, namespace in namespaces.items() if bool(namespace) != bool(home)]
    if without:
        yield Finding(
            "namespace-partly",
            f"Not all manifests name a namespace: {main.title} and {without[0].title} differ",
            without[0].at("metadata", "namespace"),
            "Write the same metadata.namespace in all of them, or in none",
            Severity.HINT,
        )
    if home and home != "default" and home not in {one.name for one in repository.of("Namespace")}:
        yield Finding(
            "namespace-missing",
            f'No file makes the namespace "{home}"',
            main.at("metadata", "namespace"),
            f"Say in the README that it takes `kubectl create namespace {home}`, or add its manifest",
            Severity.HINT,
        )


def _shown(labels: dict[str, object]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in labels.items()) or "nothing"
