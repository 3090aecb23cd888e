"""The app in a namespace of a cluster, whoever has made it: `--target k3d` and `--target kubernetes`."""

import json
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from todoctl.commands import SILENT, Commands
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.kube import image_pod
from todoctl.kube.app import Deployed
from todoctl.kube.client import RefusedError
from todoctl.kube.helper_pod import NAME as HELPER
from todoctl.kube.helper_pod import HelperPod, remove_pod
from todoctl.kube.manifests import DEPLOYMENT, Resource, deployment_of, is_ours, owned
from todoctl.settings import Settings
from todoctl.state import Home, make_directory, not_writable
from todoctl.targets import findings
from todoctl.targets.base import Finding, ImageService, Progress
from todoctl.targets.endpoint import Entrance
from todoctl.targets.kubernetes.marker import NamespaceMarker
from todoctl.targets.kubernetes.page import wait_inside
from todoctl.targets.kubernetes.provider import Provider
from todoctl.targets.kubernetes.volume import INSIDE, ClusterVolume

CLAIM = "local-pv-claim"

ASKED = "todoctl/asked"
"""The annotation that holds what `up` was asked for: a validation starts the app with other settings."""

DELETE_SECONDS = 120.0
"""For resources to be gone, above the pod's grace period."""

VALIDATE_SECONDS = 300.0
"""For a rollout in a validation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What `up` was last asked for, as the cluster remembers it."""

    settings: Settings
    options: dict[str, Any]
    is_up: bool

    def annotation(self) -> str:
        return json.dumps({"settings": self.settings.to_json(), "options": self.options})


def recall(app: Deployed) -> Asked | None:
    """Returns what the deployment says that `up` was asked for, else what a claim that was kept says."""
    for kind, name in (("Deployment", DEPLOYMENT), ("PersistentVolumeClaim", CLAIM)):
        found = app.client.get(kind, name)
        if found is None or not is_ours(found):
            continue
        text = (found["metadata"].get("annotations") or {}).get(ASKED, "")
        with suppress(
            ValueError, KeyError, TypeError, BadUsageError
        ):  # what somebody has edited counts as lost
            values = json.loads(text)
            settings = Settings.from_json(values["settings"])
            return Asked(settings=settings, options=dict(values["options"]), is_up=kind == "Deployment")
    return None


class KubernetesTarget:
    """The app on the cluster of `provider`; see `todoctl.targets.base.Target` for the methods."""

    rolling = True
    start_seconds = 9.0

    def __init__(self, home: Home, provider: Provider, commands: Commands = SILENT) -> None:
        self._home, self._provider, self._commands = home, provider, commands
        self._deployed: Deployed | None = None
        self.name, self.directory = provider.name, provider.directory
        self.record = NamespaceMarker(self.directory, self._app)

    def _app(self) -> Deployed:
        """Returns the app, whose cluster is asked only when it is needed; raises if there is no cluster."""
        if self._deployed is None:
            client = self._provider.client()
            if client is None:
                raise UnavailableError(
                    f"There is no cluster {self._provider.context}", fix="Run 'todoctl up' to make it"
                )
            self._deployed = Deployed(client, self._provider.context)
        return self._deployed

    def _deployment(self) -> Resource:
        found = self._app().client.get("Deployment", DEPLOYMENT)
        if found is None:
            raise UnavailableError(f"The deployment {DEPLOYMENT} is gone", fix="Run 'todoctl up' to make it")
        return found

    @property
    def _image(self) -> str:
        """The image that the app was brought up with."""
        return str(self._deployment()["spec"]["template"]["spec"]["containers"][0]["image"])

    @cached_property
    def _helper(self) -> HelperPod:
        pod = self._deployment()["spec"]["template"]["spec"]
        secrets = [one["name"] for one in pod.get("imagePullSecrets") or []]
        return HelperPod(self._app().client, self._image, pull_secrets=secrets, timeout=VALIDATE_SECONDS)

    @cached_property
    def volume(self) -> ClusterVolume:
        """The directory that the claim leads to."""
        outside = self._provider.outside()
        if outside is None:
            return ClusterVolume(self._app(), self._helper, INSIDE, on_node=False)
        return ClusterVolume(self._app(), outside[0], outside[1], on_node=True)

    # What there is

    def findings(self, port: int) -> list[Finding]:
        return self._provider.findings(port)

    def settings(self) -> Settings | None:
        """Returns what `up` was last asked for; None if nothing is up. Raises if the API does not answer."""
        client = self._provider.client()
        if client is None:
            return None
        asked = recall(self._app())
        return asked.settings if asked and asked.is_up else None

    def page(self, settings: Settings) -> str:
        return self._provider.page().url(settings)

    def instances(self) -> frozenset[str]:
        return self._app().instances()

    def details(self) -> dict[str, str]:
        """Returns the cluster, the pods, the image, and who else validates it."""
        try:
            runs = ", ".join(sorted(self.instances())) or "nothing: 'todoctl up' starts it"
            image, other = self._image, self.record.other()
        except UnavailableError as error:
            runs, image, other = str(error), "unknown", None
        found = {**self._provider.details(), "Runs as": runs, "Image": image}
        return {**found, "Validation": other} if other else found

    def logs(self, *, follow: bool, lines: int) -> Iterator[str]:
        yield from self._app().logs(follow=follow, lines=lines)

    # Up and down

    def up(self, settings: Settings, progress: Progress, timeout: float | None = None) -> bool:
        """Brings the cluster, the image, the resources, the pods and the page to what is asked."""
        findings.require(self.findings(settings.port), f"{self._provider.context} cannot be used")
        provided = self._provider.provide(settings, progress, timeout)
        self._deployed = None  # its cluster may be another one by now
        app = self._app()
        self.record.check()
        changed = self._put_back(progress) or provided.changed
        made = self._provider.resources(settings, provided.image)
        with progress.step(f"Apply {_in_words(made)}") as step:
            self._check_free(made)
            make_directory(self.directory)  # by which commands that name no namespace find it
            self._commands.tell(
                self._provider.printing(settings, provided.image), app.kubectl("apply", "-f", "-")
            )
            runs = app.client.get("Deployment", DEPLOYMENT) is not None
            changed |= app.apply(self._annotated(made, settings), step, timeout)
            if provided.remount and runs:
                self._commands.tell(app.kubectl("rollout", "restart", f"deployment/{DEPLOYMENT}"))
                app.restart(timeout)
                changed = True
        with progress.step("Wait for the pod") as step:
            self._commands.tell(app.kubectl("rollout", "status", f"deployment/{DEPLOYMENT}"))
            app.rollout(step, timeout)
        with progress.step(f"Wait for the page at {self.page(settings)}") as step:
            changed |= self._provider.page().open(settings, app, self._commands, step, timeout)
        return changed

    def _annotated(self, made: list[Resource], settings: Settings) -> list[Resource]:
        """Returns the resources as todoctl's own, with what `up` was asked for."""
        asked = Asked(settings=settings, options=self._provider.asked(), is_up=True).annotation()
        for resource in map(owned, made):
            if resource["kind"] in {"Deployment", "PersistentVolumeClaim"}:
                resource["metadata"].setdefault("annotations", {})[ASKED] = asked
        return made

    def _check_free(self, made: list[Resource]) -> None:
        """Raises if a resource of such a name is there that todoctl has not made."""
        if self._provider.is_own():
            return
        app = self._app()
        there = [(one, app.client.get(one["kind"], one["metadata"]["name"])) for one in made]
        foreign = [
            f"{one['kind'].lower()}/{one['metadata']['name']}"
            for one, found in there
            if found and not is_ours(found)
        ]
        if foreign:
            if all(found is None or not is_ours(found) for _, found in there):
                self._forget()
            raise UnavailableError(
                f"{', '.join(foreign)} {'is' if len(foreign) == 1 else 'are'} in namespace "
                f"{app.client.namespace} of {self._provider.context}, and todoctl has not applied it",
                fix=f"Delete it ({' '.join(app.kubectl('delete', *foreign))}), or use another namespace "
                "(--namespace) or cluster (--cluster)",
            )

    def down(self, progress: Progress, *, keep_data: bool) -> bool:
        """Deletes a cluster that todoctl has made without asking its API; takes the app off any other."""
        known = self.directory.exists()
        removed = self._provider.remove(progress, keep_data=keep_data)
        if removed is None:
            return self._take_off(progress, keep_data=keep_data)
        self._provider.page().close()
        self._forget()
        return removed or known

    def _take_off(self, progress: Progress, *, keep_data: bool) -> bool:
        try:
            app = self._app()
            self.record.check()  # the port is forwarded on if this refuses
            asked = recall(app)
        except RefusedError as error:
            self._provider.page().close()
            error.fix = f"{error.fix}; if the namespace is gone, forget it: rm -r '{self.directory}'"
            raise
        self._provider.page().close()
        if keep_data or self._provider.outside():  # the user's own cache may be what stays
            self._put_back(progress)
        self.remove_image_service()
        remove_pod(app.client, HELPER)
        going = [one for one in reversed(self._provider.resources(Settings(), "none")) if self._is_there(one)]
        if keep_data:
            going = [
                one for one in going if one["kind"] != "PersistentVolumeClaim" or self._provider.outside()
            ]
        if going:
            with progress.step(f"Delete {_in_words(going)}") as step:
                names = [f"{one['kind'].lower()}/{one['metadata']['name']}" for one in going]
                self._commands.tell(app.kubectl("delete", *names))
                app.delete(going, step, DELETE_SECONDS)
        self.record.end()
        if not self._provider.clean(progress, keep_data=keep_data):
            self._forget()
        return bool(going) or (asked is not None and not keep_data)

    def _is_there(self, resource: Resource) -> bool:
        return is_ours(self._app().client.get(resource["kind"], resource["metadata"]["name"]))

    def _put_back(self, progress: Progress) -> bool:
        """Puts the cache back after a killed validation, leaves the app stopped; False if there was none."""
        if not self.record.exists():
            return False
        with progress.step("Put back the picture and the counts that a killed validation has set aside"):
            self.stop(at_once=True)  # nothing of the validation's own cache is kept
            self.remove_image_service()
            self.volume.put_back()
            self._helper_ends()
            self.record.end()
        return True

    def _helper_ends(self) -> None:
        self.__dict__.pop("volume", None)
        if "_helper" in self.__dict__:
            self._helper.remove()
            del self.__dict__["_helper"]

    def _forget(self) -> None:
        """Removes what is kept on this machine; raises `UnavailableError` if that is not possible."""
        try:
            if self.directory.exists():
                shutil.rmtree(self.directory)
            for folder in self.directory.parents:
                if folder == self._home.path or any(folder.iterdir()):
                    break
                folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            raise not_writable(self.directory, error) from None

    # For validate

    def entrance(self, settings: Settings) -> Entrance:
        return self._provider.page().endpoint(settings, self._app(), self._helper)

    def restart(self) -> None:
        self._app().restart(VALIDATE_SECONDS)

    def kill(self) -> None:
        self._app().kill(VALIDATE_SECONDS)
        if settings := self.settings():
            self._wait_for_page(settings)

    def stop(self, *, at_once: bool = False) -> None:
        self._app().stop(VALIDATE_SECONDS, at_once=at_once)

    def start(self, settings: Settings) -> None:
        """With one pod while the user's own cache is set aside: a validation knows of no others."""
        app, image = self._app(), self._image
        asked = recall(app)
        made = self._annotated(
            self._provider.resources(settings, image), asked.settings if asked else settings
        )
        if self.volume.is_set_aside():
            deployment_of(made)["spec"]["replicas"] = 1
        app.apply(made, None, VALIDATE_SECONDS)
        app.rollout(None, VALIDATE_SECONDS)
        self._wait_for_page(settings)

    def _wait_for_page(self, settings: Settings) -> None:
        self._provider.page().open(settings, self._app(), SILENT, None, VALIDATE_SECONDS)
        if self._helper.runs:  # visitors may come from there
            wait_inside(self.entrance(settings), VALIDATE_SECONDS)

    def scale(self, number: int) -> list[str]:
        """The service spreads page views over the pods, all at one address."""
        self._app().scale(number, VALIDATE_SECONDS)
        settings = self.settings()
        return [self.entrance(settings).url] if settings else []

    def image_service(self) -> AbstractContextManager[ImageService]:
        """In a pod beside the app."""
        pod = self._deployment()["spec"]["template"]["spec"]
        secrets = [one["name"] for one in pod.get("imagePullSecrets") or []]
        return image_pod.run_beside(
            self._app().client, self._image, node=self._provider.node(), pull_secrets=secrets
        )

    def remove_image_service(self) -> None:
        remove_pod(self._app().client, image_pod.NAME)


def _in_words(made: list[Resource]) -> str:
    """Returns the kinds, as people say them."""
    kinds = [one["kind"].removeprefix("PersistentVolume").lower() or "volume" for one in made]
    return f"{', '.join(kinds[:-1])} and {kinds[-1]}" if len(kinds) > 1 else kinds[0]
