"""What `kubectl apply -k` would apply, as far as a kustomization is simple: others are refused in a line."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

from todoctl.errors import BadUsageError
from todoctl.grade.catalogue import Finding
from todoctl.grade.choice import WORKLOADS, containers
from todoctl.grade.documents import Document, read, read_one
from todoctl.kube.manifests import Resource

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")

READ = frozenset(
    {"apiVersion", "commonLabels", "images", "kind", "labels", "metadata", "namespace", "resources"}
)

DEPTH = 5
"""How many kustomizations may lead to each other."""


def file_in(path: Path) -> Path | None:
    """Returns the kustomization of a directory, None where it has none."""
    return next((path / name for name in NAMES if (path / name).is_file()), None)


def expand(directory: Path, path: Path, depth: int = DEPTH) -> tuple[list[Document], list[Finding]]:
    """Returns the resources of a kustomization, changed as it says, and what cannot be read.

    Both paths are resolved. Raises BadUsageError where it says more than todoctl reads.
    """
    file = file_in(path)
    kustomization = read_one(directory, file) if file else None
    if kustomization is None or not depth:
        raise BadUsageError(f"{path} is no kustomization that can be read", fix="Name its files with -f PATH")
    unknown = sorted(kustomization.resource.keys() - READ)
    if unknown:
        raise BadUsageError(
            f"{kustomization.at(unknown[0])} asks for {unknown[0]}, which todoctl does not do",
            fix=f"Write it out (`kubectl kustomize {path} > app.yaml`), and name that with -f app.yaml",
        )
    documents: list[Document] = []
    findings: list[Finding] = []
    resources = kustomization.get("resources")
    for number, name in enumerate(resources if isinstance(resources, list) else ()):
        target = (path / str(name)).resolve()
        if not target.is_relative_to(directory) or not target.exists():
            at = kustomization.at("resources", number)
            raise BadUsageError(
                f"{at} names {name}, which is not in {directory}", fix="Correct the kustomization"
            )
        if target.is_dir():
            more, broken = expand(directory, target, depth - 1)
        else:
            more, broken = read(directory, [target])
        documents += more
        findings += broken
    return [_changed(document, kustomization) for document in documents], findings


def _changed(document: Document, kustomization: Document) -> Document:
    """Returns a resource with the namespace, the images and the labels of a kustomization."""
    resource = deepcopy(document.resource)
    namespace = kustomization.text("namespace")
    if namespace and document.kind != "PersistentVolume":
        _mapping(resource, "metadata")["namespace"] = namespace
    everywhere = dict(kustomization.mapping("commonLabels"))
    own: dict[str, object] = {}
    for entry in kustomization.each("labels"):
        selects = kustomization.get(*entry, "includeSelectors") is True
        (everywhere if selects else own).update(kustomization.mapping(*entry, "pairs"))
    if everywhere or own:
        _mapping(resource, "metadata", "labels").update(own | everywhere)
    if everywhere and document.kind in WORKLOADS:
        _mapping(resource, "spec", "selector", "matchLabels").update(everywhere)
        _mapping(resource, "spec", "template", "metadata", "labels").update(everywhere)
    if everywhere and document.kind == "Service":
        _mapping(resource, "spec", "selector").update(everywhere)
    changed = replace(document, resource=resource)
    for at in containers(changed) if document.kind in WORKLOADS else ():
        changed.mapping(*at)["image"] = _image(changed.text(*at, "image"), kustomization)
    return changed


def _image(image: str, kustomization: Document) -> str:
    """Returns the image that a kustomization has instead of this one."""
    for entry in kustomization.each("images"):
        name, tag = (image.partition(":")[::2]) if "@" not in image else (image.partition("@")[0], "")
        if kustomization.text(*entry, "name") == name:
            name = kustomization.text(*entry, "newName") or name
            tag = kustomization.text(*entry, "newTag") or tag
            digest = kustomization.text(*entry, "digest")
            return f"{name}@{digest}" if digest else f"{name}:{tag}" if tag else name
    return image


def _mapping(resource: Resource, *path: str) -> Resource:
    """Returns the mapping there, which is made where it is not there."""
    for key in path:
        if not isinstance(resource.get(key), dict):
            resource[key] = {}
        resource = resource[key]
    return resource
