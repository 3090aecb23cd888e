"""`todoctl status`, `todoctl logs` and `todoctl open`: they look at what is up, and change nothing."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todoctl.cli.options import (
    OUTPUT,
    JsonOption,
    Which,
    examples,
    find_deployment,
    flag,
    open_in_browser,
    print_json,
    value,
)
from todoctl.errors import ExitCode, TodoctlError
from todoctl.settings import seconds

if TYPE_CHECKING:
    from todoctl.client import CacheState

STATUS = examples("""
    todoctl status

    # For a script; the exit code is 0 where the app answers, else 3
    todoctl status --json | jq .cache.access_count
""")

LOGS = examples("""
    todoctl logs

    # The last ten lines, and all that come
    todoctl logs -n 10 -f
""")

OPEN = examples("""
    todoctl open

    # One of several that are up
    todoctl open --target local
""")


def status(which: Which, as_json: JsonOption = False) -> None:
    """Show what is up, and what its cache holds."""
    from todoctl.client import Client
    from todoctl.targets.base import require_deployed
    from todoctl.terminal import Terminal

    terminal = Terminal(stderr=as_json)
    target = find_deployment(which, terminal)
    found = require_deployed(target)
    name, url, settings = target.traits.name, found.url, found.settings
    runs = ", ".join(sorted(target.instances())) or "nothing: 'todoctl up' starts it"
    details = {"Runs as": runs, **found.details}
    cache, problem = None, None
    try:
        with Client(url) as client:
            cache = client.state()
    except TodoctlError as error:
        problem = str(error)
    if as_json:
        print_json(
            {
                "target": name,
                "url": url,
                "ttl": settings.ttl,
                "source": settings.source,
                "details": {key.lower().replace(" ", "_"): text for key, text in details.items()},
                "answers": cache is not None,
                "problem": problem,
                "cache": asdict(cache) if cache else None,
            }
        )
    else:
        facts = {"Target": name, "URL": url, "Pictures from": settings.source}
        facts |= {"Valid for": f"{seconds(settings.ttl)} s", **details, "Answers": problem or "yes"}
        terminal.facts(facts | (_facts(cache) if cache else {}))
    raise typer.Exit(ExitCode.OK if cache else ExitCode.UNAVAILABLE)


def _facts(cache: "CacheState") -> dict[str, Any]:
    """Returns what the cache holds, in the order in which people read it."""
    return {
        "Status": cache.status,
        "Picture": f"SHA-256 {cache.sha256}" if cache.sha256 else "none yet",
        "Downloaded": _clock(cache.downloaded_at),
        "Expires": _clock(cache.expires_at),
        "Last access": _clock(cache.last_access_at),
        "Site count": cache.access_count,
        "Image count": cache.image_access_count,
        "Problem": cache.last_error or "none",
    }


def _clock(moment: float | None) -> str:
    return "–" if moment is None else datetime.fromtimestamp(moment).astimezone().isoformat(" ", "seconds")


def logs(
    which: Which,
    follow: Annotated[bool, flag(OUTPUT, "Go on with new lines.", "--follow", "-f")] = False,
    lines: Annotated[
        int, value(OUTPUT, "NUMBER", "How many of the last lines. [default: 100]", "--lines", "-n", min=0)
    ] = 100,
) -> None:
    """Show the app's log; where several pods run, that of the newest one."""
    from todoctl.terminal import Terminal

    terminal = Terminal(stderr=True)
    target = find_deployment(which, terminal)
    if (number := len(target.instances())) > 1:
        terminal.note(f"{number} run the app; this is the log of the newest one.")
    for line in target.logs(follow=follow, lines=lines):
        typer.echo(line)


def open_page(which: Which) -> None:
    """Open the page in a browser."""
    from todoctl.targets.base import require_deployed
    from todoctl.terminal import Terminal

    open_in_browser(require_deployed(find_deployment(which, Terminal())).url)
