"""Commands that bring the app up and take it down."""

from typing import Annotated

import typer

from todoctl.cli.options import (
    ClusterOption,
    ContextOption,
    NamespaceOption,
    ShowCommandsOption,
    TargetOption,
    find_home,
    make_terminal,
    show,
)
from todoctl.settings import DEFAULT_IMAGE_URL, DEFAULT_PORT, DEFAULT_TTL, Settings, seconds


def up(
    target: TargetOption = None,
    port: Annotated[int, typer.Option(help="The page's port on this machine.")] = DEFAULT_PORT,
    ttl: Annotated[float, typer.Option(help="Seconds a picture stays valid.")] = DEFAULT_TTL,
    image_url: Annotated[
        str | None,
        typer.Option(
            help=f"Where pictures come from; 'sample:' for bundled ones. [default: {DEFAULT_IMAGE_URL}]",
            show_default=False,
        ),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    cluster: ClusterOption = None,
    agents: Annotated[
        int | None, typer.Option(help="k3d: number of agent nodes. [default: 2]", show_default=False)
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(help="k3d: address the port is bound to. [default: 127.0.0.1]", show_default=False),
    ] = None,
    base_image: Annotated[
        str | None, typer.Option(help="k3d, --registry: Python image to build the app's image on.")
    ] = None,
    k3s_image: Annotated[str | None, typer.Option(help="k3d: image of the nodes.")] = None,
    k3d_arg: Annotated[
        list[str] | None,
        typer.Option(
            help="k3d: an option of 'k3d cluster create', as --OPTION=VALUE; may be given several times.",
            show_default=False,
        ),
    ] = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="k3d: use a cluster that todoctl did not make.")
    ] = False,
    keep_context: Annotated[
        bool, typer.Option("--keep-context", help="k3d: leave kubectl's current context as it is.")
    ] = False,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    create_namespace: Annotated[
        bool, typer.Option("--create-namespace", help="kubernetes: make the namespace where it is missing.")
    ] = False,
    app_image: Annotated[
        str | None, typer.Option(help="kubernetes: the app's image, as the cluster can pull it.")
    ] = None,
    storage_class: Annotated[
        str | None, typer.Option(help="kubernetes: the claim's storage class. [default: the cluster's]")
    ] = None,
    registry: Annotated[
        str | None, typer.Option(help="kubernetes: where the app's image is pushed to, as HOST/PATH.")
    ] = None,
    pull_secret: Annotated[
        list[str] | None,
        typer.Option(
            help="kubernetes: a secret to pull with; may be given several times.", show_default=False
        ),
    ] = None,
    replicas: Annotated[
        int | None,
        typer.Option(
            help="kubernetes: number of pods; more than one needs a storage class with ReadWriteMany."
        ),
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="kubernetes: the page's host name, for an ingress; else a port here.")
    ] = None,
    ingress_class: Annotated[
        str | None, typer.Option(help="kubernetes: the ingress's class. [default: the cluster's]")
    ] = None,
    gateway: Annotated[
        str | None,
        typer.Option(
            help="kubernetes: the gateway, as [NAMESPACE/]NAME, for a route in the place of an ingress."
        ),
    ] = None,
    show_commands: ShowCommandsOption = False,
) -> None:
    """Bring the app up; run again, it changes only what differs."""
    from todoctl import targets
    from todoctl.mend import mend
    from todoctl.up import up as bring_up

    # Before anything slow: a bad value is told at once.
    wanted = Settings(port=port, ttl=ttl, image_url=DEFAULT_IMAGE_URL if image_url is None else image_url)
    choice = targets.Choice(target, cluster, context, namespace)
    terminal = make_terminal(show_commands=show_commands)
    home = find_home()
    name = choice.named or targets.default(terminal)
    of_k3d = {
        "cluster": cluster,
        "agents": agents,
        "listen": listen,
        "k3s_image": k3s_image,
        "k3d_arg": tuple(k3d_arg) if k3d_arg else None,
        "adopt": adopt or None,
        "switch_context": False if keep_context else None,
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
        mend(where, terminal)
        try:
            settings, changed = bring_up(where, terminal, wanted, any_source=image_url is None)
        finally:
            home.forget()
    if not changed:
        terminal.note("Already up as asked; nothing changed.")
    terminal.note(
        f"The page is at {where.page(settings)}  (target {name}, pictures from {settings.image_url}, "
        f"valid for {seconds(settings.ttl)} s)"
    )
    terminal.note("Next: todoctl validate, todoctl open, todoctl status, todoctl down")
    if open_browser:
        show(where.page(settings))


def down(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    keep_data: Annotated[
        bool, typer.Option("--keep-data", help="Keep the volume with picture and counts.")
    ] = False,
    keep_cluster: Annotated[
        bool, typer.Option("--keep-cluster", help="k3d: keep the cluster, remove the app.")
    ] = False,
    show_commands: ShowCommandsOption = False,
) -> None:
    """Take away all that `up` made. Twice is fine."""
    from todoctl import targets
    from todoctl.mend import mend

    terminal = make_terminal(show_commands=show_commands)
    home = find_home()
    choice = targets.Choice(target, cluster, context, namespace)
    where = targets.find(home, choice, terminal.commands, keep_cluster=keep_cluster) or targets.find(
        home, choice, terminal.commands, keep_cluster=keep_cluster, leftovers=True
    )
    if where is None:
        home.forget()
        terminal.note("Nothing is up; nothing to take away.")
        return
    with home.lock():
        mend(where, terminal)
        changed = where.down(terminal, keep_data=keep_data)
    home.forget()
    terminal.note("Taken away." if changed else "Nothing was up; nothing to take away.")
