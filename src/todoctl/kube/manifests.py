"""The manifests: read as they are, and adapted to an image and to settings."""

from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from todoctl.errors import UnavailableError
from todoctl.settings import Settings, seconds

Resource = dict[str, Any]

DEPLOYMENT = "todo-app-dep"
INGRESS = "dwk-todo-app-ingress"
SERVICE = "todo-app-svc"
ROUTE = "dwk-todo-app-route"
ROUTE_GROUP = "gateway.networking.k8s.io"
"""https://gateway-api.sigs.k8s.io/reference/spec/"""
NAMESPACE = "default"
SELECTOR = "app=todo-app"
MANAGER = "todoctl"
"""Who has set what todoctl applies (server-side apply's field manager)."""

OWNER = "app.kubernetes.io/managed-by"
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/"""

ORDER = ("persistentvolume", "persistentvolumeclaim", "deployment", "service", "ingress")
"""Volume and claim first, so that the pod finds them bound."""


def _directory() -> Traversable:
    """Returns the one in the package, or in a checkout that beside the sources."""
    packaged = files("todoctl").joinpath("manifests")
    if packaged.is_dir():
        return packaged
    return Path(str(files("todoctl"))).parents[1] / "manifests"


def plain() -> list[Resource]:
    """Returns the five resources as the files have them, in the order in which they are applied."""
    import yaml  # late: `todoctl --help` needs no more of this module than its names

    try:
        texts = [_directory().joinpath(f"{name}.yaml").read_text(encoding="utf-8") for name in ORDER]
    except OSError as error:
        raise UnavailableError(
            "The manifests are missing", why=str(error), fix="Install todoctl again with pip"
        ) from None
    return [yaml.safe_load(text) for text in texts]


def adapted(settings: Settings, image: str, *, replicas: int = 1) -> list[Resource]:
    """Returns the five resources for this image and these settings."""
    found = plain()
    deployment = deployment_of(found)
    deployment["spec"]["replicas"] = replicas
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["image"] = image
    wanted = {"CACHE_TTL": seconds(settings.ttl), "IMAGE_URL": settings.image_url}
    for variable in container["env"]:
        variable["value"] = wanted.get(variable["name"], variable["value"])
    return found


def deployment_of(resources: list[Resource]) -> Resource:
    """Returns the deployment among them."""
    (found,) = (resource for resource in resources if resource["kind"] == "Deployment")
    return found


def owned(resource: Resource) -> Resource:
    """Returns the resource with the label that says that todoctl has made it."""
    resource["metadata"].setdefault("labels", {})[OWNER] = MANAGER
    return resource


def is_ours(found: Resource | None) -> bool:
    """Returns whether what the cluster has is there, and todoctl's: by its label, or by who applied it.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    if found is None:
        return False
    metadata = found["metadata"]
    return (metadata.get("labels") or {}).get(OWNER) == MANAGER or any(
        entry.get("manager") == MANAGER for entry in metadata.get("managedFields") or ()
    )


def pulled_with(secrets: Sequence[str]) -> Resource:
    """Returns what a pod's specification says of the secrets that its images are pulled with."""
    return {"imagePullSecrets": [{"name": name} for name in secrets]} if secrets else {}


def render(resources: list[Resource]) -> str:
    """Returns the resources as YAML, for people and for kubectl."""
    import yaml

    return yaml.safe_dump_all(resources, sort_keys=False)
