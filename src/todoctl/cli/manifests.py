"""`todoctl manifests`."""

from typing import Annotated

import typer

from todoctl.cli.help import examples
from todoctl.cli.options import ON_K3D, flag, value
from todoctl.settings import DEFAULT_IMAGE_URL, DEFAULT_TTL, Settings, check_image, seconds

APP = "The app"
IN_A_NAMESPACE = "In a namespace of a cluster that exists already"
INSTEAD = "Instead"

EXAMPLES = examples("""
    # What up applies on k3d
    todoctl manifests

    # What it applies in a namespace
    todoctl manifests --namespace me --host todo.example.org
""")


def manifests(
    ttl: Annotated[
        float, value(APP, "SECONDS", f"How long a picture is valid. [default: {seconds(DEFAULT_TTL)}]")
    ] = DEFAULT_TTL,
    image_url: Annotated[
        str, value(APP, "URL", f"The source of pictures. [default: {DEFAULT_IMAGE_URL}]")
    ] = DEFAULT_IMAGE_URL,
    app_image: Annotated[
        str, value(APP, "REF", "The app's image. [default: todo-app:1.12]")
    ] = "todo-app:1.12",
    cluster: Annotated[
        str, value(ON_K3D, "NAME", "The cluster's name. [default: k3s-default]")
    ] = "k3s-default",
    agents: Annotated[int, value(ON_K3D, "NUMBER", "How many agent nodes. [default: 2]")] = 2,
    namespace: Annotated[
        str | None, value(IN_A_NAMESPACE, "NAME", "Print what is for this namespace, not for k3d.")
    ] = None,
    storage_class: Annotated[
        str | None, value(IN_A_NAMESPACE, "NAME", "The claim's storage class. [default: the cluster's]")
    ] = None,
    pull_secret: Annotated[
        list[str] | None, value(IN_A_NAMESPACE, "NAME", "A secret to pull with; may be repeated.")
    ] = None,
    replicas: Annotated[int, value(IN_A_NAMESPACE, "NUMBER", "How many pods. [default: 1]")] = 1,
    host: Annotated[str | None, value(IN_A_NAMESPACE, "NAME[:PORT]", "The page by an ingress.")] = None,
    ingress_class: Annotated[
        str | None, value(IN_A_NAMESPACE, "NAME", "The ingress's class. [default: the cluster's]")
    ] = None,
    gateway: Annotated[
        str | None, value(IN_A_NAMESPACE, "[NAMESPACE/]NAME", "A gateway's route, not an ingress.")
    ] = None,
    image_service: Annotated[
        bool, flag(INSTEAD, "Print the pod that serves pictures to a validation.", "--image-service")
    ] = False,
) -> None:
    """Print what is applied to the cluster, as YAML."""
    from todoctl.kube.manifests import render
    from todoctl.targets.k3d.options import ClusterOptions
    from todoctl.targets.k3d.provider import resources

    check_image(app_image)
    settings = Settings(ttl=ttl, image_url=image_url)
    options = ClusterOptions(cluster=cluster, agents=agents)
    secrets = tuple(pull_secret or ())
    if image_service:
        from todoctl.kube.image_pod import pod

        node = None if namespace else options.node
        made = [pod(app_image, namespace or "default", node=node, pull_secrets=secrets)]
    elif namespace:
        from todoctl.targets.kubernetes import existing
        from todoctl.targets.kubernetes.options import NamespaceOptions

        chosen = NamespaceOptions(
            context="any",
            namespace=namespace,
            storage_class=storage_class,
            replicas=replicas,
            pull_secret=secrets,
            host=host,
            ingress_class=ingress_class,
            gateway=gateway,
        )
        made = existing.resources(settings, chosen, app_image)
    else:
        made = resources(settings, options, app_image)
    typer.echo(render(made), nl=False)
