"""The app in a namespace: what is applied of it, its deployment, and its pods."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from todoctl.errors import UnavailableError
from todoctl.kube import manifests, wait
from todoctl.kube.client import Client, RefusedError
from todoctl.kube.manifests import Resource

if TYPE_CHECKING:
    from todoctl.targets.base import Step

CLAIM, VOLUME = "PersistentVolumeClaim", "PersistentVolume"

INVALID = 422
"""What is asked for, together with what is there, breaks a rule: a field may not be changed, say."""

KILL = """
import os
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) != os.getpid():
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\\0")
            if b"todoapp" in words:
                os.kill(int(name), 9)
        except OSError:
            pass
"""


class App:
    """The app in a namespace: what is applied of it, its deployment, and its pods.

    `timeout` is in seconds; with None it is waited for as long as it takes.
    """

    def __init__(self, client: Client, context: str) -> None:
        """`context` is what the user's own kubeconfig calls the cluster."""
        self.client = client
        self._context = context

    def kubectl(self, *words: str) -> list[str]:
        """Returns the command that a person would type."""
        return ["kubectl", f"--context={self._context}", f"--namespace={self.client.namespace}", *words]

    # What there is

    def pods(self) -> list[Resource]:
        """Returns the app's pods, also those that are ending, the youngest first."""
        found = self.client.list("Pod", labels=manifests.SELECTOR)
        return sorted(found, key=lambda one: str(one["metadata"]["creationTimestamp"]), reverse=True)

    def running(self) -> list[str]:
        """Returns the names of the pods that run the app and are not ending; raises if there are none."""
        names = [one["metadata"]["name"] for one in self.pods() if wait.is_running(one)]
        if not names:
            raise UnavailableError("The app does not run", fix="Start it with 'todoctl up'")
        return names

    def instances(self) -> frozenset[str]:
        """Returns the pods that run the app, by name and UID."""
        return frozenset(
            f"pod {one['metadata']['name']} (UID {one['metadata']['uid']})"
            for one in self.pods()
            if wait.is_running(one)
        )

    def image_and_secrets(self) -> tuple[str, list[str]]:
        """Returns the deployment's image, and the names of the secrets that it is pulled with."""
        found = self.client.get("Deployment", manifests.DEPLOYMENT)
        if found is None:
            fix = "Run 'todoctl up' to make it"
            raise UnavailableError(f"The deployment {manifests.DEPLOYMENT} is gone", fix=fix)
        pod = found["spec"]["template"]["spec"]
        return str(pod["containers"][0]["image"]), [one["name"] for one in pod.get("imagePullSecrets") or []]

    def logs(self, *, follow: bool, lines: int) -> Iterator[str]:
        """Yields the log of the newest pod."""
        found = self.pods()
        newest = next((one for one in found if wait.is_running(one)), found[0] if found else None)
        if newest:
            yield from self.client.logs(newest["metadata"]["name"], lines=lines, follow=follow)

    # What is to be there

    def apply(self, resources: Sequence[Resource], step: "Step | None", timeout: float | None) -> bool:
        """Brings what is there to what `resources` ask for; False if nothing had to change.

        Whatever was done to it meanwhile: what is being deleted goes and is made again, a claim that has lost
        its volume too, a volume that has lost its claim is free for the new one.
        A claim that comes before the binder knows its volume waits for the binder's next round, 15 s later.
        """
        changed = self._clear(resources, step, timeout)
        for resource in resources:
            kind, name = resource["kind"], resource["metadata"]["name"]
            before = self.client.get(kind, name)
            after = self._applied(resource, before, step, timeout)
            changed |= before is None or _version(before) != _version(after)
            if kind == VOLUME:
                wait.until(partial(self._unbindable, name), "The volume cannot be bound", step, timeout)
        return self._try_at_once() or changed

    def _applied(
        self, resource: Resource, before: Resource | None, step: "Step | None", timeout: float | None
    ) -> Resource:
        """Returns what is there now; it is made anew if what somebody has made of it cannot be mended.

        A port that was edited stays beside the one that is applied, and then both would need names.
        """
        try:
            return self.client.apply(resource)
        except RefusedError as error:
            if (
                error.status != INVALID
                or resource["kind"] in {CLAIM, VOLUME}
                or not manifests.is_ours(before)
            ):
                raise
        self.delete([resource], step, timeout)
        return self.client.apply(resource)

    def _clear(self, resources: Sequence[Resource], step: "Step | None", timeout: float | None) -> bool:
        """Removes what cannot be mended in place; True if there was something."""
        found = [self.client.get(one["kind"], one["metadata"]["name"]) for one in resources]
        there = {one["kind"]: one for one in found if one}
        going = [one for one in there.values() if "deletionTimestamp" in one["metadata"]]
        claim, volume = there.get(CLAIM), there.get(VOLUME)
        lost = claim is not None and (claim.get("status") or {}).get("phase") == "Lost"
        if claim and (lost or claim in going or volume in going):
            # A pod that uses it would hold it for good.
            if self.client.get("Deployment", manifests.DEPLOYMENT):
                self.scale(0, timeout)
            for pod in self.client.list("Pod", labels=f"{manifests.OWNER}={manifests.MANAGER}"):
                self.client.delete("Pod", pod["metadata"]["name"], grace=1)
            if claim not in going:
                self.client.delete(CLAIM, claim["metadata"]["name"])
                going.append(claim)
        wait.gone(self.client, going, step, timeout)
        return self._release(volume["metadata"]["name"]) or bool(going) if volume else bool(going)

    def _release(self, name: str) -> bool:
        """Takes from a volume the claim that is no more; the data in its directory stays."""
        volume = self.client.get(VOLUME, name)
        if not volume or (volume.get("status") or {}).get("phase") not in {"Released", "Failed"}:
            return False
        self.client.patch(VOLUME, name, {"spec": {"claimRef": None}})
        return True

    def _unbindable(self, name: str) -> wait.Reason | None:
        """Returns why a claim could not be bound to the volume yet; None if it could."""
        found = self.client.get(VOLUME, name) or {}
        phase = (found.get("status") or {}).get("phase") or "unknown to the controller that binds claims"
        if phase in {"Available", "Bound"}:
            return None
        fix = f"See 'kubectl describe persistentvolume {name}'"
        return wait.Reason(f"the volume {name} is {phase}", fix=fix)

    def _try_at_once(self) -> bool:
        """Deletes pods that Kubernetes would try again after a pause: the cause may be mended by now."""
        paused = [one for one in self.pods() if wait.is_running(one) and _is_paused(one)]
        for one in paused:
            self.client.delete("Pod", one["metadata"]["name"])
        return bool(paused)

    def delete(self, resources: Iterable[Resource], step: "Step | None", timeout: float | None) -> None:
        """Deletes those of `resources` that todoctl has made; returns when they are gone."""
        ours = [
            one
            for one in resources
            if manifests.is_ours(self.client.get(one["kind"], one["metadata"]["name"]))
        ]
        for one in ours:
            self.client.delete(one["kind"], one["metadata"]["name"])
        wait.gone(self.client, ours, step, timeout)

    # The deployment

    def rollout(self, step: "Step | None", timeout: float | None) -> None:
        """Returns when the pods of the newest kind are ready, and no others run."""
        wait.rollout(self.client, step, timeout)

    def restart(self, timeout: float | None) -> None:
        """Does what `kubectl rollout restart` does: an annotation on the pod template."""
        annotations = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat()}
        change = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        self.client.patch("Deployment", manifests.DEPLOYMENT, change, manager="kubectl-rollout")
        self.rollout(None, timeout)

    def scale(self, replicas: int, timeout: float | None) -> None:
        """Does what `kubectl scale` does; returns when so many pods are ready, and no others are left."""
        self.client.patch("Deployment", manifests.DEPLOYMENT, {"spec": {"replicas": replicas}})
        wait.rollout(self.client, None, timeout, "get ready" if replicas else "end")

    def stop(self, timeout: float | None, *, at_once: bool = False) -> None:
        """Returns when no pod is left; with `at_once` the app is ended without notice (SIGKILL)."""
        if self.client.get("Deployment", manifests.DEPLOYMENT) is None:
            return
        if at_once:
            self._kill([one["metadata"]["name"] for one in self.pods() if wait.is_running(one)])
        self.scale(0, timeout)

    def kill(self, timeout: float | None) -> None:
        """Ends the app without notice (SIGKILL); returns when new pods are ready instead of the old ones.

        The kubelet would start a dead container again, each time later.
        """
        names = self.running()
        self._kill(names)
        for name in names:
            self.client.delete("Pod", name, grace=1)
        self.rollout(None, timeout)

    def _kill(self, names: Sequence[str]) -> None:
        """From inside the pod, whose containers share their processes: nothing else kills process 1."""
        for name in names:
            with suppress(UnavailableError):  # the command may end with what it has killed
                self.client.run(name, "python3", "-S", "-c", KILL)


def _version(found: Resource) -> str:
    return str(found["metadata"].get("resourceVersion"))


def _is_paused(pod: Resource) -> bool:
    waiting = [one["state"].get("waiting") or {} for one in pod["status"].get("containerStatuses") or []]
    return any(one.get("reason") in {"ImagePullBackOff", "CrashLoopBackOff"} for one in waiting)
