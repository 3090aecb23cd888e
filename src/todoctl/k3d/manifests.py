"""The manifests: read as they are, and adapted to a cluster and to settings."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from todoctl.errors import UnavailableError
from todoctl.k3d.options import ClusterOptions
from todoctl.settings import Settings, seconds

Resource = dict[str, Any]

DEPLOYMENT = "todo-app-dep"
INGRESS = "dwk-todo-app-ingress"
CONTAINER = "todo-app-container"
NAMESPACE = "default"
SELECTOR = "app=todo-app"
MANAGER = "todoctl"
"""Who has set what todoctl applies (server-side apply's field manager)."""

ORDER = ("persistentvolume", "persistentvolumeclaim", "deployment", "service", "ingress")
"""Volume and claim first, so that the pod finds them bound."""


def _directory() -> Traversable:
    """In the package where todoctl is installed; beside the sources in a checkout."""
    packaged = files("todoctl").joinpath("manifests")
    if packaged.is_dir():
        return packaged
    return Path(str(files("todoctl"))).parents[1] / "manifests"


def plain() -> list[Resource]:
    """The five resources as the files have them, in the order in which they are applied."""
    try:
        texts = [_directory().joinpath(f"{name}.yaml").read_text(encoding="utf-8") for name in ORDER]
    except OSError as error:
        raise UnavailableError(
            "The manifests are missing", why=str(error), fix="Install todoctl again with pip"
        ) from None
    return [yaml.safe_load(text) for text in texts]


def adapted(settings: Settings, options: ClusterOptions, image: str, *, replicas: int = 1) -> list[Resource]:
    """The five resources for this cluster, image and settings."""
    volume, claim, deployment, service, ingress = plain()
    (term,) = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    term["matchExpressions"][0]["values"] = [options.node]
    deployment["spec"]["replicas"] = replicas
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["image"] = image
    wanted = {"CACHE_TTL": seconds(settings.ttl), "IMAGE_URL": settings.image_url}
    for variable in container["env"]:
        variable["value"] = wanted.get(variable["name"], variable["value"])
    return [volume, claim, deployment, service, ingress]


def command(settings: Settings, options: ClusterOptions, image: str) -> list[str]:
    """The command that prints what `adapted` gives for one replica."""
    usual, usual_options = Settings(), ClusterOptions()
    given = {
        f"--ttl={seconds(settings.ttl)}": settings.ttl != usual.ttl,
        f"--image-url={settings.image_url}": settings.image_url != usual.image_url,
        f"--cluster={options.cluster}": options.cluster != usual_options.cluster,
        f"--agents={options.agents}": options.agents != usual_options.agents,
        f"--app-image={image}": True,
    }
    return ["todoctl", "manifests", *(word for word, needed in given.items() if needed)]


def check_phase(volume: str, phase: str | None) -> None:
    """Raises where that phase says that the controller that binds claims does not know the volume yet."""
    if phase in {None, "", "Pending"}:
        raise UnavailableError(f"The volume {volume} is pending")


def is_applied(
    deployment: Any | None,  # noqa: ANN401 - the kubernetes package has no types
    settings: Settings,
    options: ClusterOptions,
    image: str,
) -> bool:
    """Whether the cluster's deployment runs one pod of `image` with `settings`."""
    if deployment is None or deployment.spec.replicas != 1:
        return False
    container = deployment.spec.template.spec.containers[0]
    wanted = adapted(settings, options, image)[2]["spec"]["template"]["spec"]["containers"][0]
    environment = {variable.name: variable.value for variable in container.env or []}
    expected = {variable["name"]: variable["value"] for variable in wanted["env"]}
    return bool(container.image == image and environment == expected)


def render(resources: list[Resource]) -> str:
    """The resources as YAML, for people and for kubectl."""
    return yaml.safe_dump_all(resources, sort_keys=False)
