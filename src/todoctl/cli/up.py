"""`todoctl up`."""

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todoctl.cli.options import (
    EVERYWHERE,
    OUTPUT,
    JsonOption,
    ShowCommandsOption,
    examples,
    flag,
    open_in_browser,
    print_json,
    stated,
    value,
)
from todoctl.errors import BadUsageError, TodoctlError
from todoctl.settings import (
    DEFAULT_IMAGE_URL,
    DEFAULT_PORT,
    DEFAULT_TTL,
    SAMPLE_IMAGES,
    Settings,
    parse_duration,
    seconds,
)
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.kubernetes.options import NamespaceOptions

if TYPE_CHECKING:
    from todoctl.state import Home
    from todoctl.targets.base import Target
    from todoctl.terminal import Terminal

LOOK_SECONDS = 5.0
"""How long the image service may take to answer before it counts as out of reach."""

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
    *,
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
    timeout: Annotated[
        str | None,
        value(EVERYWHERE, "TIME", "Give up after so long, as in 90 or 5m. [default: wait while it may come]"),
    ] = None,
    open_browser: Annotated[bool, flag(EVERYWHERE, "Open the page in a browser.", "--open")] = False,
    show_commands: ShowCommandsOption = False,
    quiet: Annotated[bool, flag(OUTPUT, "Print the page's address alone.", "--quiet", "-q")] = False,
    as_json: JsonOption = False,
    **given: Any,  # noqa: ANN401 - the options of the targets
) -> None:
    """Bring the app up; run again, it changes only what differs."""
    from todoctl import targets
    from todoctl.state import Home
    from todoctl.targets.base import require_deployed
    from todoctl.terminal import Terminal

    # Before anything slow: a bad value is refused at once.
    wanted = Settings(port=port, ttl=ttl, image_url=DEFAULT_IMAGE_URL if image_url is None else image_url)
    limit = None if timeout is None else parse_duration("--timeout", timeout)
    choice = targets.Choice(target, given["cluster"], given["context"], given["namespace"])
    terminal = Terminal(stderr=as_json, show_commands=show_commands, quiet=quiet)
    home = Home()
    name = choice.named or targets.default(terminal)
    made = _target(name, given, home)
    with home.lock():
        settings = wanted if image_url else replace(wanted, image_url=choose_source(made, terminal))
        changed = made.up(settings, terminal, limit)
    page = require_deployed(made).url
    if not changed:
        terminal.note("Already up as asked; nothing changed.")
    terminal.note(
        f"The page is at {page}  (target {name}, pictures from {settings.source}, "
        f"valid for {seconds(settings.ttl)} s)"
    )
    if problem := _problem(page):
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
        open_in_browser(page)


def _target(name: str, given: dict[str, Any], home: "Home") -> "Target":
    """Returns the target, made of the options that are given for it; raises if one is for another target."""
    kinds: dict[str, type[ClusterOptions | NamespaceOptions]]
    kinds = {"k3d": ClusterOptions, "kubernetes": NamespaceOptions}
    mine = stated(kinds[name], given) if name in kinds else {}
    for other, kind in kinds.items():
        for option in stated(kind, given):
            if option not in mine:
                words = f"--{option.replace('_', '-')}"
                raise BadUsageError(
                    f"{words} goes with --target {other} only, and the target is {name}",
                    fix=f"Use --target {other}, or leave {words} out",
                )
    if name not in kinds:
        from todoctl.targets.local.target import LocalTarget

        return LocalTarget(home)
    from todoctl.targets.kubernetes.target import KubernetesTarget

    if name == "k3d":
        from todoctl.targets.k3d.provider import K3dCluster

        return KubernetesTarget(home, K3dCluster(home, ClusterOptions(**mine, stated=frozenset(mine))))
    from todoctl.targets.kubernetes.existing import ExistingCluster

    options = NamespaceOptions(**mine, stated=frozenset(mine))
    return KubernetesTarget(home, ExistingCluster(home, options))


def _problem(page: str) -> str | None:
    """Returns what the app says is wrong (a volume that it may not write, say); None if it says nothing."""
    from todoctl.client import Client

    with suppress(TodoctlError), Client(page) as client:
        return client.state().last_error
    return None


def choose_source(target: "Target", terminal: "Terminal") -> str:
    """Returns the default image service, or `sample:` if it is out of reach.

    What runs with the default service already keeps it: a service that is away for a moment is the
    app's to handle, no reason to restart it with other pictures.
    """
    before = None
    with suppress(TodoctlError):  # a cluster that is stopped cannot be asked
        before = target.deployed()
    if before and before.settings.image_url == DEFAULT_IMAGE_URL:
        return DEFAULT_IMAGE_URL
    problem = why_unreachable(DEFAULT_IMAGE_URL)
    if problem is None:
        return DEFAULT_IMAGE_URL
    terminal.note(
        f"{DEFAULT_IMAGE_URL} cannot be reached from here ({problem}): using the bundled pictures "
        "(sample:). Name another service with --image-url."
    )
    return SAMPLE_IMAGES


def why_unreachable(url: str) -> str | None:
    """Returns why `url` answers with no picture, in a few words; None if it does."""
    import httpx

    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=LOOK_SECONDS) as response:
            if response.status_code != httpx.codes.OK:
                return f"it answers {response.status_code}"
            kind = response.headers.get("content-type", "")
            return None if kind.startswith("image/") else f"it answers with {kind or 'no type'}"
    except ImportError:
        return "the environment names a SOCKS proxy, and httpx has no socksio here"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        # Beside the network's, also errors of proxies and certificates that the environment names.
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        unusable = "" if isinstance(error, httpx.HTTPError) else "proxy or certificates of the environment: "
        return unusable + " ".join(str(why).split())
