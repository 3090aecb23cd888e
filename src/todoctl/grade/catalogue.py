"""Every finding: what it says, what to do about it, and what it means for the submission."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding means for the submission."""

    REFUSED = "refused"
    """It asks for what todoctl gives no stranger, so nothing of it is applied."""
    FAULT = "fault"
    """As written it cannot work."""
    HINT = "hint"
    """It can work, and somebody would want to know."""


@dataclass(frozen=True)
class Finding:
    """What is wrong with a submission, in words that a beginner knows."""

    code: str
    """A name for this kind of finding, as in docs/grading.md."""
    sentence: str
    at: str
    """FILE:LINE, as of the submission's directory."""
    fix: str
    severity: Severity = Severity.FAULT


REFUSED = {"refused": ("{title} {why}", "{fix}")}

FAULTS = {
    "api-version": (
        '{title} has the apiVersion "{version}", which no cluster of today knows',
        "Write apiVersion: {known} (in an Ingress the backend is service.name and service.port.number)",
    ),
    "claim-access-modes": (
        "{title} asks for {wanted}, and {volume} has {offered}",
        "Write the same accessModes in volume and claim",
    ),
    "claim-class": (
        '{title} asks for storageClassName "{wanted}", and {offered}',
        "Write the same storageClassName in a PersistentVolume and in the claim",
    ),
    "claim-too-large": (
        "{title} asks for {wanted}, and {volume} has {offered}",
        "Ask for {offered} at most, or enlarge the volume",
    ),
    "claim-volume-mode": (
        "{title} and {volume} have not the same volumeMode",
        "Write volumeMode: Filesystem in both",
    ),
    "dockerfile": ("{file} {why}", "Correct this file"),
    "dockerfile-command": (
        "{file} starts {script}, which is not in {build}/",
        "Name the file that starts the app",
    ),
    "dockerfile-copy": (
        "{file} copies {source}, which is not in {build}/",
        "Copy what is in the repository; what is built before belongs in the Dockerfile, too",
    ),
    "emptydir": (
        "{title} keeps its files in an emptyDir, so the picture ends with its pod",
        "Mount a PersistentVolumeClaim instead of the emptyDir",
    ),
    "image-none": (
        "A container of {title} names no image",
        "Write image: and the name of what you have built",
    ),
    "image-nowhere": (
        'No registry has the image "{image}", and {why}',
        "Name the directory that it is built in with --build DIR, or push it and write USER/NAME:TAG",
    ),
    "ingress-empty": (
        "{title} leads nowhere",
        "Write spec.rules[].http.paths[].backend.service with its name and port; the indentation counts",
    ),
    "ingress-no-class": (
        "{title} names no class, and the cluster has none as its default",
        "Write spec.ingressClassName (the cluster has {classes})",
    ),
    "ingress-port": (
        "{title} leads to port {port} of {service}, which has {known}",
        "Write the port of the Service ({known}), which need not be that of the container",
    ),
    "ingress-service": (
        '{title} leads to the Service "{name}", which no file has',
        "Write the name of a Service that is there ({known})",
    ),
    "key-missing": (
        '{title} has no key "{key}"',
        "Add the key, or name one that is there ({known})",
    ),
    "key-twice": (
        "The key {key} is there twice, and only the second one counts",
        "Put what both say under one {key}",
    ),
    "local-no-node": (
        "{title} is local to a node, and does not say to which, so the cluster does not take it",
        "Add spec.nodeAffinity with the node's name, as the course material does",
    ),
    "mount-hides-app": (
        "The volume at {path} hides the app, which the Dockerfile copies to {home}",
        "Mount it at a directory of its own, such as {home}/files",
    ),
    "mount-undeclared": (
        'A container mounts the volume "{name}", which {title} does not declare',
        "Declare it under volumes, or mount one that is there ({known})",
    ),
    "name-invalid": (
        '"{name}" is no name for a {kind}',
        "Use small letters, digits and hyphens alone",
    ),
    "namespace-differs": (
        '{title} is in the namespace "{other}", and {main} in "{home}"',
        "Write the same metadata.namespace in all of them",
    ),
    "no-claim": (
        "{title} mounts no claim, so the picture ends with its pod",
        "Mount a PersistentVolumeClaim",
    ),
    "no-deployment": (
        "{title} is there, but no Deployment that it could lead to",
        "Add the manifest of the Deployment",
    ),
    "no-service": (
        "No Service selects the pods of {title}, so nothing leads to it",
        "Add a Service with these labels as its selector, and an Ingress",
    ),
    "not-text": (
        "{what} is not text, so the cluster does not take it",
        'Put it in quotes: {key}: "{value}"',
    ),
    "path-type": (
        "The path {path} of {title} has no pathType, so the cluster does not take it",
        "Write pathType: Prefix",
    ),
    "port-name": (
        '{title} leads to the port "{port}", and no container has a port of that name',
        "Write the number, or name: {port} under the container's ports",
    ),
    "replicas-apart": (
        "{title} mounts no claim, so each of its pods has a picture of its own",
        "Mount a PersistentVolumeClaim",
    ),
    "resource-missing": (
        '{title} needs the {kind} "{name}", which no file has',
        "Add its manifest, or name one that is there ({known})",
    ),
    "selector-template": (
        "{title} selects {selector}, and its own pods have {labels}",
        "Write the same labels in spec.selector.matchLabels and in spec.template.metadata.labels",
    ),
    "service-selects-nothing": (
        "{title} selects {selector}, and no pod has these labels",
        "Write the labels of the pods that it is for ({known})",
    ),
    "volume-missing": (
        '{title} names the volume "{name}", which no file has',
        "Write the name of a volume that is there ({known}), or none",
    ),
    "volume-not-mounted": (
        'The volume "{name}" is declared, but no container mounts it, so nothing is kept there',
        "Add name: {name} and its mountPath to the volumeMounts of the container that writes there",
    ),
    "yaml-broken": (
        "{file} cannot be read: {why}",
        "Correct this file; `kubectl apply --dry-run=client -f FILE` reads it as the cluster does",
    ),
}

HINTS = {
    "dockerfile-arm64": (
        "{file} builds for arm64, and most computers do not run that: exec format error",
        "Leave the architecture out: then it is that of the computer that builds",
    ),
    "filters-left-out": (
        "{title} has filters, and the Ingress that todoctl makes of it has none",
        "Serve the page at the path that visitors ask for",
    ),
    "ingress-class": (
        '{title} asks for the class "{name}", which the cluster does not have',
        "Leave the class out, or write one that the cluster has ({classes})",
    ),
    "name-twice": (
        "{title} is at {other} as well, and that one is graded",
        "Give one of them another name, or take it away: a cluster has one of that name",
    ),
    "namespace-missing": (
        'No file makes the namespace "{name}"',
        "Say in the README that it takes `kubectl create namespace {name}`, or add its manifest",
    ),
    "namespace-partly": (
        "Not all manifests name a namespace: {title} and {other} differ",
        "Write the same metadata.namespace in all of them, or in none",
    ),
    "no-ingress": ("No Ingress leads to {title}", "Add an Ingress, as exercise 1.8 asks for"),
    "path-exact": (
        "{title} leads exactly {path} to the app, and no picture at another path",
        "Write pathType: Prefix",
    ),
    "port-number": (
        "{title} leads to port {port}, but container and Dockerfile speak of {known}",
        "Write the port on which the app listens as targetPort ({known})",
    ),
    "pull-policy": (
        'The image "{image}" is pulled each time that a pod starts, but no registry has it',
        "Write imagePullPolicy: IfNotPresent; `k3d image import` brings the image to the nodes",
    ),
    "service-selects-several": (
        "{title} selects the pods of {others}",
        "Give each Deployment a label of its own, and select one",
    ),
    "volume-unused": (
        "{title} names no storageClassName, so it may get a new volume, and {volume} is not used",
        "Write the same storageClassName in volume and claim",
    ),
}

CATALOGUE = {
    code: (severity, *words)
    for severity, findings in zip(Severity, (REFUSED, FAULTS, HINTS), strict=True)
    for code, words in findings.items()
}


def finding(code: str, at: str, severity: Severity | None = None, **values: object) -> Finding:
    """Returns a finding of the catalogue with these values in its words; "" is shown as "none"."""
    usual, sentence, fix = CATALOGUE[code]
    shown = {key: str(value) or "none" for key, value in values.items()}
    return Finding(code, sentence.format(**shown), at, fix.format(**shown), severity or usual)
