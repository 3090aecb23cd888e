"""`down` in a namespace: what carries todoctl's mark goes, and nothing else."""

from todoctl.kube import removal
from todoctl.kube.manifests import Resource
from todoctl.kube.ownership import is_ours
from todoctl.settings import Settings
from todoctl.targets.base import Progress, Step
from todoctl.targets.kubernetes.context import Context
from todoctl.targets.kubernetes.resources import in_words

DELETE_SECONDS = 120.0


def take_down(
    context: Context, settings: Settings, image: str, progress: Progress, *, keep_data: bool
) -> None:
    """Removes the app, and waits until it and its storage are gone."""
    going = [*reversed(context.resources(settings, image)), context.mark()]
    if keep_data:
        going = [one for one in going if one["kind"] != "PersistentVolumeClaim"]
    with progress.step(f"Delete {in_words(going[:-1])}") as step:
        _delete(context, going, step)
    namespace = {"kind": "Namespace", "metadata": {"name": context.namespace}}
    if context.options.create_namespace and not keep_data and is_ours(context.api.read(namespace)):
        command = " ".join(context.kubectl("delete", "namespace", context.namespace))
        progress.note(
            f"Namespace {context.namespace} stays, with what others may have in it. '{command}' deletes it."
        )
    if keep_data:
        progress.note("The claim stays. 'todoctl down' removes it.")
        context.keep()
    else:
        context.forget()


def _delete(context: Context, going: list[Resource], step: Step) -> None:
    for resource in going:
        if is_ours(context.api.read(resource)):
            context.tell_kubectl("delete", f"{resource['kind'].lower()}/{resource['metadata']['name']}")
            context.api.delete(resource)
    removal.wait(
        lambda: [one for one in going if is_ours(context.api.read(one))],
        step,
        DELETE_SECONDS,
        "See 'kubectl describe'; then run 'todoctl down' again",
    )
