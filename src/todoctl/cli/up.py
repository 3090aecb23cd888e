"""`todoctl up`."""

from typing import Annotated

import typer

from todoctl.cli.help import examples
from todoctl.cli.options import (
    EVERYWHERE,
    ON_K3D,
    ON_KUBERNETES,
    OUTPUT,
    JsonOption,
    ShowCommandsOption,
    flag,
    value,
)
from todoctl.cli.output import make_terminal, print_json, show
from todoctl.cli.place import find_home
from todoctl.settings import DEFAULT_IMAGE_URL, DEFAULT_PORT, DEFAULT_TTL, Settings, seconds

EXAMPLES = examples("""
    # On k3d where it is installed, else as a process on this machine
    todoctl up

    # As a process, with pictures that need no network
    todoctl up --target local --port 9000 --image-url sample:

    # In a namespace of a cluster that exists already
    todoctl up --context school --namespace me --app-image me/todo-app:1.12

    # Nothing but the page's address
    curl "$(todoctl up --quiet)"
""")


def up(
    target: Annotated[
        str | None,
        value(EVERYWHERE, "NAME", "k3d, local or kubernetes. [default: k3d if installed, or local]"),
    ] = None,
    port: Annotated[
        int, value(EVERYWHERE, "PORT", f"The page's port on this machine. [default: {DEFAULT_PORT}]")
    ] = DEFAULT_PORT,
    ttl: Annotated[
        float,
        value(EVERYWHERE, "SECONDS", f"How long a picture is valid. [default: {seconds(DEFAULT_TTL)}]"),
    ] = DEFAULT_TTL,
    image_url: Annotated[
        str | None,
        value(
            EVERYWHERE,
            "URL",
            f"The source of pictures, or sample: for bundled. [default: {DEFAULT_IMAGE_URL}]",
        ),
    ] = None,
    open_browser: Annotated[bool, flag(EVERYWHERE, "Open the page in a browser.", "--open")] = False,
    cluster: Annotated[
        str | None, value(ON_K3D, "NAME", "The cluster's name. [default: k3s-default]")
    ] = None,
    agents: Annotated[int | None, value(ON_K3D, "NUMBER", "How many agent nodes. [default: 2]")] = None,
    listen: Annotated[
        str | None, value(ON_K3D, "ADDRESS", "127.0.0.1, or 0.0.0.0 for the network. [default: 127.0.0.1]")
    ] = None,
    base_image: Annotated[
        str | None, value(ON_K3D, "REF", "The Python image to build on; also with --registry.")
    ] = None,
    k3s_image: Annotated[str | None, value(ON_K3D, "REF", "The image of the nodes.")] = None,
    k3d_arg: Annotated[
        list[str] | None,
        value(ON_K3D, "--OPTION=VALUE", "An option of 'k3d cluster create'; may be repeated."),
    ] = None,
    adopt: Annotated[bool, flag(ON_K3D, "Use a cluster that todoctl did not make.", "--adopt")] = False,
    keep_context: Annotated[
        bool, flag(ON_K3D, "Leave kubectl's current context as it is.", "--keep-context")
    ] = False,
    context: Annotated[
        str | None, value(ON_KUBERNETES, "NAME", "The context of your kubeconfig; always needed.")
    ] = None,
    namespace: Annotated[
        str | None, value(ON_KUBERNETES, "NAME", "The namespace. [default: default]")
    ] = None,
    create_namespace: Annotated[
        bool, flag(ON_KUBERNETES, "Make the namespace where it is missing.", "--create-namespace")
    ] = False,
    app_image: Annotated[
        str | None, value(ON_KUBERNETES, "REF", "The app's image, as the cluster can pull it.")
    ] = None,
    registry: Annotated[
        str | None, value(ON_KUBERNETES, "HOST/PATH", "Build the app's image here, and push it there.")
    ] = None,
    pull_secret: Annotated[
        list[str] | None, value(ON_KUBERNETES, "NAME", "A secret to pull with; may be repeated.")
    ] = None,
    storage_class: Annotated[
        str | None, value(ON_KUBERNETES, "NAME", "The claim's storage class. [default: the cluster's]")
    ] = None,
    replicas: Annotated[
        int | None,
        value(ON_KUBERNETES, "NUMBER", "How many pods; several need ReadWriteMany. [default: 1]"),
    ] = None,
    host: Annotated[
        str | None, value(ON_KUBERNETES, "NAME[:PORT]", "The page by an ingress, not by a port here.")
    ] = None,
    ingress_class: Annotated[
        str | None, value(ON_KUBERNETES, "NAME", "The ingress's class. [default: the cluster's]")
    ] = None,
    gateway: Annotated[
        str | None,
        value(ON_KUBERNETES, "[NAMESPACE/]NAME", "The page by this gateway's route, not by an ingress."),
    ] = None,
    show_commands: ShowCommandsOption = False,
    quiet: Annotated[bool, flag(OUTPUT, "Print the page's address alone.", "--quiet", "-q")] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the app up; run again, it changes only what differs."""
    from todoctl import targets
    from todoctl.up import trouble
    from todoctl.up import up as bring_up

    # Before anything slow: a bad value is told at once.
    wanted = Settings(port=port, ttl=ttl, image_url=DEFAULT_IMAGE_URL if image_url is None else image_url)
    choice = targets.Choice(target, cluster, context, namespace)
    terminal = make_terminal(stderr=as_json, show_commands=show_commands, quiet=quiet)
    home = find_home()
    name = choice.named or targets.default(terminal)
    of_k3d = {
        "cluster": cluster,
        "agents": agents,
        "listen": listen,
        "k3s_image": k3s_image,
        "k3d_arg": tuple(k3d_arg) if k3d_arg else None,
        "adopt": adopt or None,
        "keep_context": keep_context or None,
    }
    of_kubernetes = {
        "context": context,
        "namespace": namespace,
        "create_namespace": create_namespace or None,
        "app_image": app_image,
        "storage_class": storage_class,
        "registry": registry,
        "pull_secret": tuple(pull_secret) if pull_secret else None,
        "replicas": replicas,
        "host": host,
        "ingress_class": ingress_class,
        "gateway": gateway,
    }
    (of_kubernetes if name == targets.KUBERNETES else of_k3d)["base_image"] = base_image
    stated = {
        target: {option: value for option, value in given.items() if value is not None}
        for target, given in ((targets.K3D, of_k3d), (targets.KUBERNETES, of_kubernetes))
    }
    options = targets.options_for(name, stated)
    with home.lock():
        where = targets.make(name, home, options, terminal.commands)
        settings, changed = bring_up(where, terminal, wanted, any_source=image_url is None)
    page = where.page(settings)
    if not changed:
        terminal.note("Already up as asked; nothing changed.")
    terminal.note(
        f"The page is at {page}  (target {name}, pictures from {settings.source}, "
        f"valid for {seconds(settings.ttl)} s)"
    )
    if problem := trouble(where, settings):
        terminal.note(f"The app runs, but says: {problem}. 'todoctl status' shows whether that lasts.")
    terminal.note("Next: todoctl validate, todoctl open, todoctl status, todoctl down")
    if as_json:
        print_json(
            {
                "target": name,
                "url": page,
                "ttl": settings.ttl,
                "source": settings.source,
                "changed": changed,
                "problem": problem,
            }
        )
    elif quiet:
        typer.echo(page)
    if open_browser:
        show(page)
