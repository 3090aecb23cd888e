"""`down` in a namespace: what carries todoctl's mark goes, and nothing else."""

from todoctl.errors import UnavailableError
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
        if why := _in_use(context):
            progress.note(
                f"Namespace {context.namespace} stays: {why}. "
                f"'{' '.join(context.kubectl('delete', 'namespace', context.namespace))}' deletes all of it."
            )
        else:
            with progress.step(f"Delete namespace {context.namespace}") as step:
                _delete(context, [namespace], step)
    if keep_data:
        progress.note("The claim stays. 'todoctl down' removes it.")
        context.keep()
    else:
        context.forget()


def _in_use(context: Context) -> str:
    """Why the namespace is not todoctl's alone; empty where it is."""
    try:
        others = context.api.others()
    except UnavailableError as error:  # who may create namespaces may not see all that is in them
        return f"what others have in it cannot be listed ({error.why or error.what})"
    return f"{', '.join(others)} in it {'is' if len(others) == 1 else 'are'} not todoctl's" if others else ""


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
