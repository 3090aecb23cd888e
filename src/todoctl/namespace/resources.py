"""What the app is made of in a namespace: the same, without a volume of its own and without an ingress."""

from todoctl.kubernetes.manifests import Resource, adapted, deployment_of
from todoctl.kubernetes.marks import marked
from todoctl.namespace.options import NamespaceOptions
from todoctl.settings import Settings, seconds

KINDS = ("PersistentVolumeClaim", "Deployment", "Service")


def resources(
    settings: Settings, options: NamespaceOptions, image: str, *, replicas: int = 1
) -> list[Resource]:
    """Claim, deployment and service, marked as todoctl's."""
    found = [one for one in adapted(settings, image, replicas=replicas) if one["kind"] in KINDS]
    for resource in found:
        resource["metadata"].pop("annotations", None)  # they say why the files name no namespace
        resource["metadata"]["namespace"] = options.namespace
        marked(resource)
    claim = found[0]["spec"]
    del claim["storageClassName"]
    if options.storage_class:
        claim["storageClassName"] = options.storage_class
    pod = deployment_of(found)["spec"]["template"]["spec"]
    # Without access to a node the app can only be killed from inside its pod, where nothing kills process 1.
    pod["shareProcessNamespace"] = True
    if options.pull_secret:
        pod["imagePullSecrets"] = [{"name": name} for name in options.pull_secret]
    return found


def command(settings: Settings, options: NamespaceOptions, image: str) -> list[str]:
    """The command that prints what `resources` gives for one replica."""
    usual = Settings()
    given = {
        f"--namespace={options.namespace}": True,
        f"--ttl={seconds(settings.ttl)}": settings.ttl != usual.ttl,
        f"--image-url={settings.image_url}": settings.image_url != usual.image_url,
        f"--app-image={image}": True,
        f"--storage-class={options.storage_class}": options.storage_class is not None,
        **{f"--pull-secret={name}": True for name in options.pull_secret},
    }
    return ["todoctl", "manifests", *(word for word, needed in given.items() if needed)]
