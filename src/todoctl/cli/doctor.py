"""`todoctl doctor`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from todoctl.cli.options import WHICH, JsonOption, Which, examples, print_json, value
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
    which: Which,
    port: Annotated[
        int, value(WHICH, "PORT", f"The port that up will be given. [default: {DEFAULT_PORT}]")
    ] = DEFAULT_PORT,
    as_json: JsonOption = False,
) -> None:
    """Say what this machine lacks for k3d and local, or the target that is named, and what to do."""
    from todoctl.state import Home
    from todoctl.terminal import Terminal

    check_port(port)
    found, pictures = examine(Home(), which.choice(), port), _pictures()
    usable = any(map(is_usable, found.values()))
    if as_json:
        targets = [
            {"target": name, "usable": is_usable(each), "findings": [asdict(one) for one in each]}
            for name, each in found.items()
        ]
        print_json({"usable": usable, "targets": targets, "pictures": [asdict(pictures)]})
    else:
        Terminal().findings({**found, "pictures": [pictures]})
    raise typer.Exit(ExitCode.OK if usable else ExitCode.UNAVAILABLE)


def examine(home: "Home", choice: "Choice", port: int) -> "dict[str, list[Finding]]":
    """Returns what is found, by target: of the one that is named, else of k3d and local."""
    from todoctl.targets import K3D, LOCAL, Choice, make

    choices = (choice,) if choice.named else (Choice(K3D), Choice(LOCAL))
    return {str(one.named): _findings(make(one, home), port) for one in choices}


def _findings(target: "Target", port: int) -> "list[Finding]":
    """Returns what is found on `target`: also that it cannot be examined, which hides no other target's."""
    from todoctl.targets.base import Finding, error_finding

    subject = f"Target {target.traits.name}"
    try:
        return target.findings(port)
    except TodoctlError as error:
        return [error_finding(subject, error)]
    except Exception as error:  # noqa: BLE001 - a library's, of what the environment says
        why = " ".join(str(error).split()) or type(error).__name__
        return [Finding(subject=subject, ok=False, seen=f"it cannot be examined: {why}")]


def _pictures() -> "Finding":
    from todoctl.targets.base import Finding

    problem = why_unreachable(DEFAULT_IMAGE_URL)
    return Finding(
        subject="Image service",
        ok=problem is None,
        seen=problem or f"{DEFAULT_IMAGE_URL} answers",
        fix="'todoctl up' will use the bundled pictures; --image-url names another service",
        required=False,
    )


def is_usable(findings: "list[Finding]") -> bool:
    """Returns whether all that is required is there."""
    return all(finding.ok for finding in findings if finding.required)
