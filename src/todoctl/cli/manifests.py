"""`todoctl manifests`."""

from typing import Annotated, Any

import typer

from todoctl.cli.options import examples, flag, stated, value
from todoctl.settings import DEFAULT_IMAGE_URL, DEFAULT_TTL, Settings, check_image, seconds
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.kubernetes.options import NamespaceOptions

APP = "The app"
INSTEAD = "Instead"

EXAMPLES = examples("""
    # What up applies on k3d
    todoctl manifests

    # What it applies in a namespace
    todoctl manifests --namespace me --host todo.example.org
""")


def manifests(
    *,
    ttl: Annotated[
        float, value(APP, "SECONDS", f"How long a picture is valid. [default: {seconds(DEFAULT_TTL)}]")
    ] = DEFAULT_TTL,
    image_url: Annotated[
        str, value(APP, "URL", f"The source of pictures. [default: {DEFAULT_IMAGE_URL}]")
    ] = DEFAULT_IMAGE_URL,
    app_image: Annotated[
        str, value(APP, "REF", "The app's image. [default: todo-app:1.12]")
    ] = "todo-app:1.12",
    image_service: Annotated[
        bool, flag(INSTEAD, "Print the pod that serves pictures to a validation.", "--image-service")
    ] = False,
    **given: Any,  # noqa: ANN401 - the options of the targets
) -> None:
    """Print what is applied to the cluster, as YAML; with --namespace what is for a namespace."""
    from todoctl.kube.manifests import render
    from todoctl.targets.k3d.provider import resources

    check_image(app_image)
    settings = Settings(ttl=ttl, image_url=image_url)
    on_k3d = ClusterOptions(**stated(ClusterOptions, given))
    namespace = given["namespace"]
    if image_service:
        from todoctl.kube.image_pod import pod

        node = None if namespace else on_k3d.node
        made = [pod(app_image, namespace or "default", node=node, pull_secrets=given["pull_secret"] or ())]
    elif namespace:
        from todoctl.targets.kubernetes import existing

        options = NamespaceOptions(**{**stated(NamespaceOptions, given), "context": "any"})
        made = existing.resources(settings, options, app_image)
    else:
        made = resources(settings, on_k3d, app_image)
    typer.echo(render(made), nl=False)
