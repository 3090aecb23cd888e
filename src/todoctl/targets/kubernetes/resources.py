"""What the app is made of in a namespace: no volume of its own; an ingress or a route only for a host."""

from todoctl.kube.manifests import ROUTE_GROUP, Resource, adapted, deployment_of, pulled_with
from todoctl.kube.ownership import marked
from todoctl.settings import Settings, seconds
from todoctl.targets.kubernetes.options import NamespaceOptions

ROUTE = "dwk-todo-app-route"


def resources(
    settings: Settings, options: NamespaceOptions, image: str, *, replicas: int = 1
) -> list[Resource]:
    """Claim, deployment, service and perhaps ingress or route, marked as todoctl's."""
    _, claim, deployment, service, ingress = adapted(settings, image, replicas=replicas)
    entrance = _route(options, ingress) if options.gateway else ingress
    found = [claim, deployment, service, *([entrance] if options.host else [])]
    for resource in found:
        resource["metadata"].pop("annotations", None)  # they say why the files name no namespace
        resource["metadata"]["namespace"] = options.namespace
        marked(resource)
    del claim["spec"]["storageClassName"]
    if options.storage_class:
        claim["spec"]["storageClassName"] = options.storage_class
    if options.shared:
        claim["spec"]["accessModes"] = ["ReadWriteMany"]
    pod = deployment_of(found)["spec"]["template"]["spec"]
    # Without access to a node the app can only be killed from inside its pod, where nothing kills process 1.
    pod["shareProcessNamespace"] = True
    pod |= pulled_with(options.pull_secret)
    if options.host:
        ingress["spec"]["rules"][0]["host"] = options.host_name
    if options.ingress_class:
        ingress["spec"]["ingressClassName"] = options.ingress_class
    return found


def _route(options: NamespaceOptions, ingress: Resource) -> Resource:
    """What leads where the ingress does, from a gateway."""
    namespace, _, name = str(options.gateway).rpartition("/")
    service = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    return {
        "apiVersion": f"{ROUTE_GROUP}/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": ROUTE},
        "spec": {
            "parentRefs": [{"name": name, **({"namespace": namespace} if namespace else {})}],
            "hostnames": [options.host_name],
            "rules": [{"backendRefs": [{"name": service["name"], "port": service["port"]["number"]}]}],
        },
    }


def in_words(made: list[Resource]) -> str:
    """What they are, as people say it."""
    kinds = [one["kind"].removeprefix("PersistentVolume").lower() for one in made]
    return f"{', '.join(kinds[:-1])} and {kinds[-1]}"


def command(settings: Settings, options: NamespaceOptions, image: str) -> list[str]:
    """The command that prints what `resources` gives."""
    usual = Settings()
    given = {
        f"--namespace={options.namespace}": True,
        f"--ttl={seconds(settings.ttl)}": settings.ttl != usual.ttl,
        f"--image-url={settings.image_url}": settings.image_url != usual.image_url,
        f"--app-image={image}": True,
        f"--storage-class={options.storage_class}": options.storage_class is not None,
        f"--replicas={options.replicas}": options.shared,
        **{f"--pull-secret={name}": True for name in options.pull_secret},
        f"--host={options.host}": options.host is not None,
        f"--ingress-class={options.ingress_class}": options.ingress_class is not None,
        f"--gateway={options.gateway}": options.gateway is not None,
    }
    return ["todoctl", "manifests", *(word for word, needed in given.items() if needed)]
