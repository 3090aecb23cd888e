"""`todoctl doctor`."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todoctl.cli.options import (
    WHICH,
    ClusterOption,
    ContextOption,
    JsonOption,
    NamespaceOption,
    examples,
    print_json,
    value,
)
from todoctl.cli.up import why_unreachable
from todoctl.errors import ExitCode, TodoctlError
from todoctl.settings import DEFAULT_IMAGE_URL, DEFAULT_PORT, check_port

if TYPE_CHECKING:
    from todoctl.state import Home
    from todoctl.targets import Choice
    from todoctl.targets.base import Finding, Target

EXAMPLES = examples("""
    # For a cluster or a process of your own
    todoctl doctor

    # For a namespace of a cluster that exists already
    todoctl doctor --context school --namespace me
""")


def doctor(
    target: Annotated[
        str | None, value(WHICH, "NAME", "k3d, local or kubernetes. [default: k3d and local]")
    ] = None,
    cluster: ClusterOption = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    port: Annotated[
        int, value(WHICH, "PORT", f"The port that up will be given. [default: {DEFAULT_PORT}]")
    ] = DEFAULT_PORT,
    as_json: JsonOption = False,
) -> None:
    """Say what this machine lacks for each target, and what to do."""
    from todoctl.state import Home
    from todoctl.targets import Choice
    from todoctl.terminal import Terminal

    check_port(port)
    found = examine(Home(), Choice(target, cluster, context, namespace), port=port)
    if as_json:
        print_json(found.to_json())
    else:
        Terminal().findings({**found.targets, "pictures": found.pictures})
    raise typer.Exit(ExitCode.OK if found.usable else ExitCode.UNAVAILABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found, by target, and on the image service."""

    targets: "dict[str, list[Finding]]"
    pictures: "list[Finding]"

    @property
    def usable(self) -> bool:
        """Whether there is a target that lacks nothing."""
        return any(map(is_usable, self.targets.values()))

    def to_json(self) -> dict[str, Any]:
        return {
            "usable": self.usable,
            "targets": [
                {"target": name, "usable": is_usable(found), "findings": [asdict(one) for one in found]}
                for name, found in self.targets.items()
            ],
            "pictures": [asdict(one) for one in self.pictures],
        }


def examine(home: "Home", choice: "Choice", *, port: int) -> Findings:
    """Looks at the target that is named, else at those that need nothing but this machine."""
    from todoctl.targets import K3D, LOCAL, Choice, make
    from todoctl.targets.base import Finding

    targets = {}
    for one in (choice,) if choice.named else (Choice(K3D), Choice(LOCAL)):
        targets[str(one.named)] = _findings(make(one, home), port)
    problem = why_unreachable(DEFAULT_IMAGE_URL)
    pictures = Finding(
        subject="Image service",
        ok=problem is None,
        seen=problem or f"{DEFAULT_IMAGE_URL} answers",
        fix="'todoctl up' will use the bundled pictures; --image-url names another service",
        required=False,
    )
    return Findings(targets=targets, pictures=[pictures])


def _findings(target: "Target", port: int) -> "list[Finding]":
    """Returns what is found on `target`: also that it cannot be examined, which hides no other target's."""
    from todoctl.targets.base import Finding, error_finding

    try:
        return target.findings(port)
    except TodoctlError as error:
        return [error_finding(f"Target {target.traits.name}", error)]
    except Exception as error:  # noqa: BLE001 - a library's, of what the environment says
        why = " ".join(str(error).split()) or type(error).__name__
        return [
            Finding(subject=f"Target {target.traits.name}", ok=False, seen=f"it cannot be examined: {why}")
        ]


def is_usable(findings: "list[Finding]") -> bool:
    """Whether all that is required is there."""
    return all(finding.ok for finding in findings if finding.required)
