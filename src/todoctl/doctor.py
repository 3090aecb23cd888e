"""`doctor`: what this machine has and lacks for each target, and what to do about it."""

from todoctl.home import Home
from todoctl.settings import DEFAULT_IMAGE_URL
from todoctl.target import Finding
from todoctl.targets import K3D, LOCAL, Choice, make, options_for
from todoctl.up import why_unreachable

HERE = (K3D, LOCAL)
"""The targets that are looked at where none is named: what this machine needs for a place of its own."""


def examine(home: Home, choice: Choice, *, port: int) -> dict[str, list[Finding]]:
    """The findings by target, and under `pictures` those on the image service."""
    found = {}
    for name in (choice.named,) if choice.named else HERE:
        options = options_for(name, {name: choice.place()})
        found[name] = make(name, home, options).findings(port)
    problem = why_unreachable(DEFAULT_IMAGE_URL)
    found["pictures"] = [
        Finding(
            subject="Image service",
            ok=problem is None,
            seen=problem or f"{DEFAULT_IMAGE_URL} answers",
            fix="'todoctl up' will use the bundled pictures; --image-url names another service",
            required=False,
        )
    ]
    return found


def is_usable(findings: list[Finding]) -> bool:
    """Whether all that is required is there."""
    return all(finding.ok for finding in findings if finding.required)
