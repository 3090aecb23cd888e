"""What the app is made of on a k3d cluster."""

from todoctl.kube import manifests
from todoctl.kube.manifests import Resource
from todoctl.settings import Settings, seconds
from todoctl.targets.k3d.options import ClusterOptions


def resources(
    settings: Settings, options: ClusterOptions, image: str, *, replicas: int = 1
) -> list[Resource]:
    """The five resources, with the volume in the node that `options` name."""
    found = manifests.adapted(settings, image, replicas=replicas)
    (term,) = found[0]["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    term["matchExpressions"][0]["values"] = [options.node]
    return found


def command(settings: Settings, options: ClusterOptions, image: str) -> list[str]:
    """The command that prints what `resources` gives for one replica."""
    usual, usual_options = Settings(), ClusterOptions()
    given = {
        f"--ttl={seconds(settings.ttl)}": settings.ttl != usual.ttl,
        f"--image-url={settings.image_url}": settings.image_url != usual.image_url,
        f"--cluster={options.cluster}": options.cluster != usual_options.cluster,
        f"--agents={options.agents}": options.agents != usual_options.agents,
        f"--app-image={image}": True,
    }
    return ["todoctl", "manifests", *(word for word, needed in given.items() if needed)]
