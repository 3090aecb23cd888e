"""todoctl's own pod beside the app, for as long as a validation takes.

It mounts the claim, so it is the volume's second side; and it is where visitors come from.
"""

import json

from todoctl.errors import TodoctlError, UnavailableError
from todoctl.kubernetes import manifests
from todoctl.kubernetes.attempts import wait_until
from todoctl.kubernetes.manifests import Resource
from todoctl.kubernetes.marks import is_ours, marked
from todoctl.kubernetes.waiting import pods
from todoctl.namespace.context import Context

NAME = "todoctl"
WAIT_SECONDS = 120.0


class OwnPod:
    """Made when it is first needed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.runs = False
        """Whether it is known to run."""

    def require(self) -> str:
        """Its name, when it runs."""
        if not self.runs:
            wait_until(self._context.stop, self._check, None, "todoctl's own pod", WAIT_SECONDS)
            self.runs = True
        return NAME

    def _check(self) -> None:
        """Makes it where it is missing; raises while it does not run, or one that ends is in its place.

        One that was evicted is over, and would stay on the list for good.
        """
        api, wanted = self._context.api, self.resource()
        found = api.read(wanted)
        if found is not None and not is_ours(found):
            raise TodoctlError(
                f"Pod {NAME} is in namespace {self._context.namespace}, and todoctl has not made it",
                fix="Rename it, or use another namespace with --namespace",
            )
        if found is None:
            self._context.commands.tell(
                ["echo", json.dumps(wanted)], self._context.kubectl("apply", "--filename=-")
            )
            api.apply(wanted)
        elif pods.is_over(found):
            api.delete(wanted, grace=1)
        if found is None or not pods.is_standing(found) or not pods.is_ready(found):
            reason = found and pods.hindrance(api, found, api.events(api.namespace))
            raise UnavailableError(f"The pod {NAME} does not run yet", why=(reason and reason.what) or "")

    def remove(self) -> None:
        """Deletes it, where there is one and todoctl has made it."""
        self.runs = False
        if is_ours(self._context.api.read(self.resource())):
            self._context.tell_kubectl("delete", f"pod/{NAME}", "--grace-period=1")
            self._context.api.delete(self.resource(), grace=1)

    def resource(self) -> Resource:
        """With no more rights than the app, whose image and claim it has."""
        app = manifests.deployment_of(manifests.plain())["spec"]["template"]["spec"]
        container = app["containers"][0]
        return marked(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": NAME, "namespace": self._context.namespace},
                "spec": {
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "terminationGracePeriodSeconds": 1,
                    "imagePullSecrets": [{"name": name} for name in self._context.options.pull_secret],
                    "securityContext": app["securityContext"],
                    "volumes": app["volumes"],
                    "containers": [
                        {
                            "name": "todoctl",
                            "image": str((self._context.state() or {}).get("image")),
                            "imagePullPolicy": "IfNotPresent",
                            "command": ["sleep", "infinity"],
                            "resources": {
                                "requests": {"cpu": "10m", "memory": "32Mi"},
                                "limits": {"cpu": "1", "memory": "128Mi"},
                            },
                            "securityContext": container["securityContext"],
                            "volumeMounts": container["volumeMounts"],
                        }
                    ],
                },
            }
        )
