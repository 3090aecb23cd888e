"""`todoctl status`."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from todoctl.cli.options import (
    ClusterOption,
    ContextOption,
    JsonOption,
    NamespaceOption,
    TargetOption,
    examples,
    find_deployment,
    print_json,
)
from todoctl.errors import ExitCode, TodoctlError
from todoctl.settings import Settings, seconds

if TYPE_CHECKING:
    from todoctl.client import CacheState
    from todoctl.targets.base import Target


EXAMPLES = examples("""
    todoctl status

    # For a script; the exit code is 0 where the app answers, else 3
    todoctl status --json | jq .cache.access_count
""")


def status(
    target: TargetOption = None,
    cluster: ClusterOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is up, and what its cache holds."""
    from todoctl.targets import Choice
    from todoctl.terminal import Terminal

    terminal = Terminal(stderr=as_json)
    found = look_at(find_deployment(Choice(target, cluster, context, namespace), terminal))
    if as_json:
        print_json(found.to_json())
    else:
        terminal.facts(found.facts())
    raise typer.Exit(ExitCode.OK if found.answers else ExitCode.UNAVAILABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`details` are the target's own; `cache` is None where the app is silent, and `problem` says why."""

    target: str
    url: str
    settings: Settings
    details: dict[str, str]
    cache: "CacheState | None"
    problem: str = ""

    @property
    def answers(self) -> bool:
        return self.cache is not None

    def facts(self) -> dict[str, Any]:
        """By name, in the order in which people read them."""
        facts: dict[str, Any] = {
            "Target": self.target,
            "URL": self.url,
            "Pictures from": self.settings.source,
            "Valid for": f"{seconds(self.settings.ttl)} s",
            **self.details,
            "Answers": self.problem or "yes",
        }
        if self.cache is None:
            return facts
        return {
            **facts,
            "Status": self.cache.status,
            "Picture": f"SHA-256 {self.cache.sha256}" if self.cache.sha256 else "none yet",
            "Downloaded": _clock(self.cache.downloaded_at),
            "Expires": _clock(self.cache.expires_at),
            "Last access": _clock(self.cache.last_access_at),
            "Site count": self.cache.access_count,
            "Image count": self.cache.image_access_count,
            "Problem": self.cache.last_error or "none",
        }

    def to_json(self) -> dict[str, Any]:
        """For programs: values, not words."""
        return {
            "target": self.target,
            "url": self.url,
            "ttl": self.settings.ttl,
            "source": self.settings.source,
            "details": {name.lower().replace(" ", "_"): value for name, value in self.details.items()},
            "answers": self.answers,
            "problem": self.problem or None,
            "cache": asdict(self.cache) if self.cache else None,
        }


def look_at(target: "Target") -> Status:
    """Raises `UnavailableError` where nothing is up."""
    from todoctl.client import Client
    from todoctl.targets.base import require_deployed

    found = require_deployed(target)
    runs = ", ".join(sorted(target.instances())) or "nothing: 'todoctl up' starts it"
    cache, problem = None, ""
    try:
        with Client(found.url) as client:
            cache = client.state()
    except TodoctlError as error:
        problem = str(error)
    return Status(
        target=target.traits.name,
        url=found.url,
        settings=found.settings,
        details={"Runs as": runs, **found.details},
        cache=cache,
        problem=problem,
    )


def _clock(moment: float | None) -> str:
    return "–" if moment is None else datetime.fromtimestamp(moment).astimezone().isoformat(" ", "seconds")
