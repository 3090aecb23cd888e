"""Submissions that tests write, and a slot for them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from todoctl.grade.adapt import Slot

HERE = Path(__file__).parent

APP: dict[str, str] = yaml.safe_load((HERE / "app.yaml").read_text())
"""The files of an app with which nothing is wrong."""

SLOT = Slot(
    namespace="grade-anna",
    host="anna.localhost",
    node="k3d-mooc-server-0",
    directory="/var/lib/todoctl/anna",
    storage_classes={"local-path": "rancher.io/local-path"},
    default_storage_class="local-path",
    ingress_classes=("traefik",),
    default_ingress_class="traefik",
)


def written(directory: Path, files: Mapping[str, str]) -> Path:
    """Writes the files, and returns the directory."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


def changed(changes: Mapping[str, Any]) -> dict[str, str]:
    """Returns the files of the app with these changes, as broken.yaml describes them."""
    files = dict(APP)
    for name, change in changes.items():
        if change is None:
            del files[name]
        elif isinstance(change, Mapping):
            files[name] = change["text"]
        else:
            for edit in [change] if isinstance(change, str) else change:
                old, new = edit.split(" => ") if " => " in edit else (edit.removesuffix(" =>"), "")
                assert files[name].count(old) == 1, f"{name} has {files[name].count(old)} times {old!r}"
                files[name] = files[name].replace(old, new)
    return files


def manifests(name: str, *, claim: str = "", image: str = "", port: int = 3000, **keys: object) -> str:
    """Returns a Deployment and its Service as YAML; `keys` are further ones of the pod's specification."""
    container: dict[str, Any] = {"name": name, "image": image or f"someone/{name}"}
    pod: dict[str, Any] = {"containers": [container], **keys}
    if claim:
        pod["volumes"] = [{"name": "files", "persistentVolumeClaim": {"claimName": claim}}]
        container["volumeMounts"] = [{"name": "files", "mountPath": "/files"}]
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{name}-dep"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"{name}-svc"},
        "spec": {"selector": labels, "ports": [{"port": 2345, "targetPort": port}]},
    }
    return yaml.safe_dump_all([deployment, service], sort_keys=False)


def ingress(name: str, **paths: str) -> str:
    """Returns an Ingress as YAML: names of Services by path, "root" for "/"."""
    rules = [
        {
            "path": "/" if path == "root" else f"/{path}",
            "pathType": "Prefix",
            "backend": {"service": {"name": service, "port": {"number": 2345}}},
        }
        for path, service in paths.items()
    ]
    spec = {"rules": [{"http": {"paths": rules}}]}
    head = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}}
    return yaml.safe_dump({**head, "spec": spec}, sort_keys=False)


def storage(name: str, source: str = "local") -> str:
    """Returns the claim and the volume of that name as YAML."""
    size, modes = {"storage": "100Mi"}, ["ReadWriteOnce"]
    claim = {"storageClassName": name, "accessModes": modes, "resources": {"requests": size}}
    hosts = [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["docker-desktop"]}]
    volume: dict[str, Any] = {"storageClassName": name, "capacity": size, "accessModes": modes}
    volume[source] = {"path": f"/tmp/{name}"} if source != "csi" else {"driver": "driver.longhorn.io"}
    if source == "local":
        volume["nodeAffinity"] = {"required": {"nodeSelectorTerms": [{"matchExpressions": hosts}]}}
    kinds = {"PersistentVolumeClaim": claim, "PersistentVolume": volume}
    return yaml.safe_dump_all(
        [
            {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
            for kind, spec in kinds.items()
        ],
        sort_keys=False,
    )
