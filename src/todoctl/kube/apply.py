"""Applying what the app is made of."""

from functools import partial

from todoctl.kube.attempts import wait_until
from todoctl.kube.context import Context
from todoctl.settings import Settings

BINDER_SECONDS = 300.0


def apply(context: Context, settings: Settings, image: str) -> None:
    """Server-side apply, volume and claim first.

    A claim that comes before the binder knows its volume waits for the binder's next round, 15 seconds later.
    """
    context.commands.tell(context.printing(settings, image), context.kubectl("apply", "-f", "-"))
    for resource in context.resources(settings, image):
        context.api.apply(resource)
        if resource["kind"] == "PersistentVolume":
            known = partial(context.api.find_phase, resource)
            wait_until(context.stop, known, None, "the volume's binder", BINDER_SECONDS)
