"""`doctor`: what this machine has and lacks for each target, and what to do about it."""

from todoctl.home import Home
from todoctl.settings import DEFAULT_IMAGE_URL
from todoctl.target import Finding
from todoctl.targets import K3D, NAMES, cluster_options, make
from todoctl.up import why_unreachable


def examine(
    home: Home, names: tuple[str, ...] = NAMES, *, port: int, cluster: str | None = None
) -> dict[str, list[Finding]]:
    """The findings by target, and under `pictures` those on the image service; `cluster` is for k3d."""
    options = cluster_options(K3D, {"cluster": cluster} if cluster else {})
    found = {name: make(name, home, options).findings(port) for name in names}
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
