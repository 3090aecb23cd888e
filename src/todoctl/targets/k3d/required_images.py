"""The images that a cluster is made of, as k3d names them."""

import os
import re

import httpx

from todoctl.errors import UnavailableError
from todoctl.targets.k3d import cluster as k3d
from todoctl.targets.k3d.options import ClusterOptions

CHANNELS = "https://update.k3s.io/v1-release/channels"
"""Where k3d looks up `--image latest`, `stable` and `+CHANNEL`."""

CHANNEL_SECONDS = 10.0

MOVED = (5, 4, 0)
"""The version of k3d from which on its helpers are at ghcr.io."""


def by_cluster(options: ClusterOptions) -> dict[str, str]:
    """The images of a new cluster, each with the option or variable that names another one.

    https://github.com/k3d-io/k3d/blob/v5.9.0/pkg/types/images.go
    """
    found = {
        nodes(options): "--k3s-image",
        helper("proxy", "K3D_IMAGE_LOADBALANCER"): "K3D_IMAGE_LOADBALANCER",
        **by_start(),
    }
    if any(word.startswith("--registry-create") for word in options.k3d_arg):
        found["docker.io/library/registry:2"] = "--k3d-arg=--registry-use"
    return found


def by_start() -> dict[str, str]:
    """The image that k3d starts a stopped cluster with, as in `by_cluster`."""
    return {helper("tools", "K3D_IMAGE_TOOLS"): "K3D_IMAGE_TOOLS"}


def nodes(options: ClusterOptions) -> str:
    """The image of the nodes; raises `UnavailableError` where its channel cannot be looked up."""
    name = options.k3s_image or os.environ.get("K3D_IMAGE") or f"docker.io/rancher/k3s:{_said('k3s')}"
    if name in {"latest", "stable"} or name.startswith("+"):
        return f"docker.io/rancher/k3s:{_newest(name.removeprefix('+'))}"
    return name


def helper(kind: str, variable: str) -> str:
    """The image of k3d's `proxy` or `tools`, which `variable` may name."""
    if chosen := os.environ.get(variable):
        return chosen
    repository = "ghcr.io/k3d-io" if k3d.version() >= MOVED else "docker.io/rancher"
    tag = os.environ.get("K3D_HELPER_IMAGE_TAG") or _said("k3d").removeprefix("v")
    return f"{repository}/k3d-{kind}:{tag}"


def _said(program: str) -> str:
    """The version of `program` that `k3d version` tells."""
    found = re.search(rf"^{program} version (\S+)", k3d.run("version"), re.MULTILINE)
    if not found:
        raise UnavailableError(f"k3d does not tell its version of {program}", fix="Name one with --k3s-image")
    return found[1]


def _newest(channel: str) -> str:
    """The version that k3s's channel server has for `channel`, as a tag."""
    try:
        answer = httpx.get(CHANNELS, timeout=CHANNEL_SECONDS, follow_redirects=True).raise_for_status()
        versions = {entry["name"]: str(entry["latest"]) for entry in answer.json()["data"]}
        return versions[channel].replace("+", "-")
    except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
        raise UnavailableError(
            f"The k3s of channel {channel!r} is not known",
            why=f"{CHANNELS}: {error!r}",
            fix="Name an image with its version, --k3s-image rancher/k3s:VERSION",
        ) from None
