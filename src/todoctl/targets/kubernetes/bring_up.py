"""`up` in a namespace: its mark, the image, what the app is made of, the pods, the page."""

from todoctl.errors import BadUsageError, UnavailableError
from todoctl.home import make_directory
from todoctl.kube.apply import apply
from todoctl.kube.manifests import Resource
from todoctl.kube.ownership import is_ours, marked
from todoctl.kube.waiting import rollout
from todoctl.settings import Settings
from todoctl.targets.base import Progress
from todoctl.targets.kubernetes import loading, page
from todoctl.targets.kubernetes.context import Context
from todoctl.targets.kubernetes.forward import Forwarder
from todoctl.targets.kubernetes.resources import in_words


def bring_up(
    context: Context, settings: Settings, image: str, forwarder: Forwarder, progress: Progress
) -> None:
    """Brings the app up; what it has applied when it fails is changed or removed by the next command."""
    if context.options.create_namespace:
        with progress.step(f"Create namespace {context.namespace}"):
            context.tell_kubectl("create", "namespace", context.namespace)
            context.api.create(marked({"kind": "Namespace", "metadata": {"name": context.namespace}}))
    make_directory(context.directory)
    context.remember(settings, image, context.claim_place())
    made = context.resources(settings, image)
    with progress.step(f"Apply {in_words(made)}"):
        _check_ours(context, made)
        apply(context, settings, image)
    with progress.step("Wait for the pod" if context.options.replicas == 1 else "Wait for the pods") as step:
        try:
            rollout.wait(context, step)
        except UnavailableError as error:
            fix = loading.told(error.fix, context.name, image)
            raise UnavailableError(error.what, why=error.why, fix=fix) from None
    with progress.step(f"Wait for the page at {page.url(context, settings)}") as step:
        page.wait(context, settings, forwarder, step)


def _check_ours(context: Context, made: list[Resource]) -> None:
    """Raises where something of that name is there that todoctl has not made."""
    for resource in made:
        there = context.api.read(resource)
        if there is not None and not is_ours(there):
            kind, name = resource["kind"], resource["metadata"]["name"]
            raise UnavailableError(
                f"{kind} {name} is in namespace {context.namespace}, and todoctl has not made it",
                fix="Use another namespace with --namespace",
            )


def provide_image(context: Context, progress: Progress) -> str:
    """The image's name as the cluster pulls it; built here and pushed where the user has named a registry."""
    options = context.options
    if options.app_image:
        return options.app_image
    if options.registry:
        return _pushed(options.registry, options.base_image, progress)
    like = loading.command(context.name, "todo-app:1.12")
    fix = f"Or: todoctl image build todo-app:1.12; {like}; then --app-image todo-app:1.12" if like else ""
    raise BadUsageError(
        "--app-image is missing, and --registry too",
        fix=f"Name an image that the cluster can pull, or a registry to push to. {fix}".rstrip(),
    )


def _pushed(registry: str, base_image: str | None, progress: Progress) -> str:
    from todoctl.images import image, pull
    from todoctl.images.engine import connect, has_image

    engine = connect()
    base = base_image or image.DEFAULT_BASE_IMAGE
    pull.pull_missing(engine, {base: "--base-image"}, progress)  # first: the name depends on what it is
    name = f"{registry}/{image.reference(engine, base_image)}"
    if not has_image(engine, name):
        image.build(name, base_image, progress)
    image.push(name, progress)
    return name
