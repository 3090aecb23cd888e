"""`doctor`: what this machine has and lacks for each target, and what to do about it."""

from dataclasses import asdict, dataclass
from typing import Any

from todoctl.errors import TodoctlError
from todoctl.home import Home
from todoctl.settings import DEFAULT_IMAGE_URL
from todoctl.targets import K3D, LOCAL, Choice, make, options_for
from todoctl.targets.base import Finding, Target
from todoctl.targets.findings import of_error
from todoctl.up import why_unreachable

HERE = (K3D, LOCAL)
"""The targets that are looked at where none is named: what this machine needs for a place of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found, by target, and on the image service."""

    targets: dict[str, list[Finding]]
    pictures: list[Finding]

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


def examine(home: Home, choice: Choice, *, port: int) -> Findings:
    """Looks at the target that is named, else at those of `HERE`."""
    targets = {}
    for name in (choice.named,) if choice.named else HERE:
        options = options_for(name, {name: choice.given()})
        targets[name] = _findings(make(name, home, options), port)
    problem = why_unreachable(DEFAULT_IMAGE_URL)
    pictures = Finding(
        subject="Image service",
        ok=problem is None,
        seen=problem or f"{DEFAULT_IMAGE_URL} answers",
        fix="'todoctl up' will use the bundled pictures; --image-url names another service",
        required=False,
    )
    return Findings(targets=targets, pictures=[pictures])


def _findings(target: Target, port: int) -> list[Finding]:
    """Returns what is found on `target`: also that it cannot be examined, which hides no other target's."""
    try:
        return target.findings(port)
    except TodoctlError as error:
        return [of_error(f"Target {target.name}", error)]
    except Exception as error:  # noqa: BLE001 - a library's, of what the environment says
        why = " ".join(str(error).split()) or type(error).__name__
        return [Finding(subject=f"Target {target.name}", ok=False, seen=f"it cannot be examined: {why}")]


def is_usable(findings: list[Finding]) -> bool:
    """Whether all that is required is there."""
    return all(finding.ok for finding in findings if finding.required)
