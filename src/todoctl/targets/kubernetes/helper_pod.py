"""todoctl's own pod beside the app, for as long as a validation takes.

It mounts the claim, so it is the volume's second side; and it is where visitors come from.
"""

import json

from todoctl.kube import manifests
from todoctl.kube.manifests import Resource
from todoctl.kube.ownership import is_ours, marked
from todoctl.kube.waiting import single
from todoctl.targets.kubernetes.context import Context

NAME = "todoctl"


class HelperPod:
    """Made when it is first needed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.runs = False
        """Whether it is known to run."""

    def require(self) -> str:
        """Its name, when it runs."""
        if not self.runs:
            single.wait(self._context, self.resource(), self._make)
            self.runs = True
        return NAME

    def _make(self) -> None:
        wanted = self.resource()
        self._context.commands.tell(
            ["echo", json.dumps(wanted)], self._context.kubectl("apply", "--filename=-")
        )
        self._context.api.apply(wanted)

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
                    **manifests.pulled_with(self._context.pull_secrets),
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
