"""Commands that only make sense with a cluster: `image` and `manifests`."""

from typing import Annotated

import typer

from todoctl.errors import BadUsageError
from todoctl.settings import DEFAULT_IMAGE_URL, DEFAULT_TTL

image = typer.Typer(help="Build or push the app's container image.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(help="The image's name and tag, such as me/todo-app:1.12.")]


@image.command()
def build(
    reference: Reference,
    base_image: Annotated[str | None, typer.Option(help="Python image to build on.")] = None,
) -> None:
    """Build the app's image under a name of your own."""
    from todoctl.console import Terminal
    from todoctl.images.image import build as run

    run(reference, base_image, Terminal())


@image.command()
def context() -> None:
    """Write what the image is built from to standard output, as a tar archive for 'docker build -'."""
    import sys

    from todoctl.images.image import build_context

    if sys.stdout.isatty():
        raise BadUsageError(
            "An archive is nothing for a screen", fix="Pipe it on: todoctl image context | tar --list"
        )
    sys.stdout.buffer.write(build_context().getvalue())


@image.command()
def push(reference: Reference) -> None:
    """Push an image that was built here to its registry."""
    from todoctl.console import Terminal
    from todoctl.images.image import push as run

    run(reference, Terminal())


def manifests(
    ttl: Annotated[float, typer.Option(help="Seconds a picture stays valid.")] = DEFAULT_TTL,
    image_url: Annotated[str, typer.Option(help="Where pictures come from.")] = DEFAULT_IMAGE_URL,
    cluster: Annotated[str, typer.Option(help="The cluster's name.")] = "k3s-default",
    agents: Annotated[int, typer.Option(help="Number of agent nodes.")] = 2,
    app_image: Annotated[str, typer.Option(help="The app's image.")] = "todo-app:1.12",
    namespace: Annotated[
        str | None,
        typer.Option(
            help="Instead, what would be applied to this namespace of a cluster.", show_default=False
        ),
    ] = None,
    storage_class: Annotated[
        str | None, typer.Option(help="--namespace: the claim's storage class. [default: the cluster's]")
    ] = None,
    pull_secret: Annotated[
        list[str] | None,
        typer.Option(
            help="--namespace: a secret to pull with; may be given several times.", show_default=False
        ),
    ] = None,
    replicas: Annotated[int, typer.Option(help="--namespace: number of pods.")] = 1,
    host: Annotated[
        str | None, typer.Option(help="--namespace: the page's host name, for an ingress.")
    ] = None,
    ingress_class: Annotated[str | None, typer.Option(help="--namespace: the ingress's class.")] = None,
    gateway: Annotated[
        str | None, typer.Option(help="--namespace: the gateway, for a route in the place of an ingress.")
    ] = None,
    image_service: Annotated[
        bool,
        typer.Option("--image-service", help="Instead, the pod that serves pictures during a validation."),
    ] = False,
) -> None:
    """Print what would be applied to the cluster, as YAML."""
    from todoctl.k3d.options import ClusterOptions
    from todoctl.k3d.resources import resources
    from todoctl.kubernetes.manifests import render
    from todoctl.settings import Settings

    settings = Settings(ttl=ttl, image_url=image_url)
    options = ClusterOptions(cluster=cluster, agents=agents)
    if image_service:
        from todoctl.kubernetes.image_pod import pod

        made = [pod(None, app_image, namespace) if namespace else pod(options.node, app_image)]
    elif namespace:
        from todoctl.namespace import resources as of_namespace
        from todoctl.namespace.options import NamespaceOptions

        chosen = NamespaceOptions(
            context="any",
            namespace=namespace,
            storage_class=storage_class,
            replicas=replicas,
            pull_secret=tuple(pull_secret or ()),
            host=host,
            ingress_class=ingress_class,
            gateway=gateway,
        )
        made = of_namespace.resources(settings, chosen, app_image, replicas=replicas)
    else:
        made = resources(settings, options, app_image)
    typer.echo(render(made), nl=False)
