"""The app in a namespace of any kind of cluster: `--target k3d` and `--target kubernetes`."""

import json
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from todoctl.errors import BadUsageError, UnavailableError
from todoctl.kube import image_pod
from todoctl.kube.app import App
from todoctl.kube.client import RefusedError
from todoctl.kube.helper_pod import PodFiles
from todoctl.kube.manifests import DEPLOYMENT, Resource, deployment_of, is_ours, owned
from todoctl.restore import put_cache_back
from todoctl.settings import Settings, seconds
from todoctl.state import Home, make_directory, not_writable
from todoctl.targets.base import (
    Deployment,
    Endpoint,
    File,
    Finding,
    Marker,
    Progress,
    Traits,
    View,
    Volume,
    require_all,
)
from todoctl.targets.kubernetes.forward import Forwarder
from todoctl.targets.kubernetes.marker import NamespaceMarker
from todoctl.targets.kubernetes.page import wait_inside
from todoctl.targets.kubernetes.provider import Cluster, Provider

if TYPE_CHECKING:
    from todoctl.image_service.client import Controlled

CACHE = "/usr/src/app/files/cache"
"""The cache directory in the app's container."""

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


def recall(app: App) -> Asked | None:
    """Returns what the deployment says that `up` was asked for, else what a claim that was kept says."""
    for kind, name in (("Deployment", DEPLOYMENT), ("PersistentVolumeClaim", CLAIM)):
        found = app.client.get(kind, name)
        if found is None or not is_ours(found):
            continue
        text = (found["metadata"].get("annotations") or {}).get(ASKED, "")
        # What somebody has edited counts as lost.
        with suppress(ValueError, KeyError, TypeError, BadUsageError):
            values = json.loads(text)
            settings = Settings.from_json(values["settings"])
            return Asked(settings=settings, options=dict(values["options"]), is_up=kind == "Deployment")
    return None


class KubernetesTarget:
    """The app on the cluster of `provider`; see `todoctl.targets.base.Target` for the methods."""

    def __init__(self, home: Home, provider: Provider) -> None:
        self._home, self._provider = home, provider
        self.traits = Traits(name=provider.name, rolling=True, start_seconds=9.0)
        self.directory = provider.directory
        self._shared = NamespaceMarker(self._app)
        self.marker = Marker(self.directory, self._shared)
        self._files: PodFiles | None = None

    @cached_property
    def _cluster(self) -> Cluster:
        """The cluster, which is looked for only when it is needed; raises if there is none."""
        found = self._provider.look()
        if found is None:
            context = self._provider.context
            raise UnavailableError(f"There is no cluster {context}", fix="Run 'todoctl up' to make it")
        return found

    def _app(self) -> App:
        return App(self._cluster.client, self._provider.context)

    @cached_property
    def volume(self) -> Volume:
        """The directory that the claim leads to, on its node or as a helper pod mounts it."""
        if store := self._cluster.store:
            return Volume(store, self._cluster.cache, CACHE, self._seen_by_the_app, is_root=True)
        return Volume(self._shared.helper, CACHE, CACHE, self._seen_by_the_app)

    def _seen_by_the_app(self) -> View:
        pod = self._app().running()[0]
        if self._files is None or self._files.pod != pod:
            self._files = PodFiles(self._cluster.client, pod, CACHE)
        return View(self._files.seen_from, self._read_inside)

    def _read_inside(self) -> list[File]:
        found = self._files.read() if self._files else []
        if self._cluster.store is None:
            return found
        # A node's files have times in whole seconds.
        return [replace(one, modified=float(int(one.modified))) for one in found]

    # What there is

    def findings(self, port: int) -> list[Finding]:
        return self._provider.findings(port)

    def deployed(self) -> Deployment | None:
        """Returns what is up; None if nothing is. Raises `UnavailableError` if the API does not answer."""
        cluster = self._provider.look()
        if cluster is None:
            return None
        self._cluster = cluster
        asked = recall(self._app())
        if asked is None or not asked.is_up:
            return None
        details = {**cluster.details, "Image": self._app().image_and_secrets()[0]}
        if other := self._shared.other(self.marker.token()):
            details["Validation"] = f"under way: {other}"
        return Deployment(settings=asked.settings, url=cluster.page.url(asked.settings), details=details)

    def instances(self) -> frozenset[str]:
        return self._app().instances()

    def logs(self, *, follow: bool, lines: int) -> Iterator[str]:
        yield from self._app().logs(follow=follow, lines=lines)

    # Up and down

    def up(self, settings: Settings, progress: Progress, timeout: float | None = None) -> bool:
        """Brings the cluster, the image, the resources, the pods and the page to what is asked."""
        require_all(self.findings(settings.port), f"{self._provider.context} cannot be used")
        provided = self._provider.provide(settings, progress, timeout)
        self._cluster = provided.cluster  # which may be another one by now
        app, page = self._app(), self._cluster.page
        self.marker.check()
        changed = put_cache_back(self, progress) or provided.changed
        made = self._provider.resources(settings, provided.image)
        with progress.step(f"Apply {_in_words(made)}") as step:
            self._check_free(made)
            make_directory(self.directory)  # by which commands that name no namespace find it
            progress.command(self._printing(settings, provided.image), app.kubectl("apply", "-f", "-"))
            runs = app.client.get("Deployment", DEPLOYMENT) is not None
            changed |= app.apply(self._annotated(made, settings), step, timeout)
            if provided.remount and runs:
                progress.command(app.kubectl("rollout", "restart", f"deployment/{DEPLOYMENT}"))
                app.restart(timeout)
                changed = True
        with progress.step("Wait for the pod") as step:
            progress.command(app.kubectl("rollout", "status", f"deployment/{DEPLOYMENT}"))
            app.rollout(step, timeout)
        with progress.step(f"Wait for the page at {page.url(settings)}") as step:
            changed |= page.open(settings, app, step, timeout, progress)
        return changed

    def _printing(self, settings: Settings, image: str) -> list[str]:
        """Returns the command that prints what is applied."""
        given = {"ttl": seconds(settings.ttl), "image_url": settings.source, "app_image": image}
        words = ["todoctl", "manifests"]
        for name, value in {**given, **self._provider.manifest_options()}.items():
            values = value if isinstance(value, tuple) else (value,)
            words += [f"--{name.replace('_', '-')}={one}" for one in values if one is not None]
        return words

    def _annotated(self, made: list[Resource], settings: Settings) -> list[Resource]:
        """Returns the resources as todoctl's own, with what `up` was asked for."""
        asked = json.dumps({"settings": settings.to_json(), "options": self._cluster.remembered})
        for resource in map(owned, made):
            if resource["kind"] in {"Deployment", "PersistentVolumeClaim"}:
                resource["metadata"].setdefault("annotations", {})[ASKED] = asked
        return made

    def _check_free(self, made: list[Resource]) -> None:
        """Raises if a resource of such a name is there that todoctl has not made."""
        if self._cluster.is_own:
            return
        app = self._app()
        there = [app.client.get(one["kind"], one["metadata"]["name"]) for one in made]
        foreign = [
            f"{one['kind'].lower()}/{one['metadata']['name']}"
            for one, found in zip(made, there, strict=True)
            if found and not is_ours(found)
        ]
        if foreign:
            if not any(map(is_ours, there)):
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
        Forwarder(self.directory).stop()
        self._forget()
        return removed or known

    def _take_off(self, progress: Progress, *, keep_data: bool) -> bool:
        forwarder = Forwarder(self.directory)
        try:
            app = self._app()
            self.marker.check()  # the port is forwarded on if this refuses
            asked = recall(app)
        except RefusedError as error:
            forwarder.stop()
            error.fix = f"{error.fix}; if the namespace is gone, forget it: rm -r '{self.directory}'"
            raise
        forwarder.stop()
        on_node = self._cluster.store is not None
        if keep_data or on_node:  # the user's own cache may be what stays
            put_cache_back(self, progress)
        self._shared.remove_pods()
        kept = {"PersistentVolumeClaim"} if keep_data and not on_node else set()
        going = [
            one
            for one in reversed(self._provider.resources(Settings(), "none"))
            if one["kind"] not in kept and is_ours(app.client.get(one["kind"], one["metadata"]["name"]))
        ]
        if going:
            with progress.step(f"Delete {_in_words(going)}") as step:
                names = [f"{one['kind'].lower()}/{one['metadata']['name']}" for one in going]
                progress.command(app.kubectl("delete", *names))
                app.delete(going, step, DELETE_SECONDS)
        self.marker.end()
        if not self._provider.clean(self._cluster, progress, keep_data=keep_data):
            self._forget()
        return bool(going) or (asked is not None and not keep_data)

    def _forget(self) -> None:
        """Removes what is kept on this machine; raises `UnavailableError` if that is not possible."""
        try:
            if self.directory.exists():
                shutil.rmtree(self.directory)
        except OSError as error:
            raise not_writable(self.directory, error) from None
        for folder in takewhile(lambda one: one != self._home.path, self.directory.parents):
            with suppress(OSError):  # something else is in it
                folder.rmdir()

    # For a validation

    def endpoint(self, settings: Settings) -> Endpoint:
        return self._cluster.page.endpoint(settings, self._app(), self._shared.helper)

    def restart(self, *, at_once: bool = False) -> None:
        if not at_once:
            self._app().restart(VALIDATE_SECONDS)
            return
        self._app().kill(VALIDATE_SECONDS)
        if asked := recall(self._app()):
            self._wait_for_page(asked.settings)

    def stop(self, *, at_once: bool = False) -> None:
        if self._files:
            self._files.close()
        self._app().stop(VALIDATE_SECONDS, at_once=at_once)

    def start(self, settings: Settings) -> None:
        """With one pod while the user's own cache is set aside: a validation knows of no others."""
        app = self._app()
        asked = recall(app)
        made = self._provider.resources(settings, app.image_and_secrets()[0])
        self._annotated(made, asked.settings if asked else settings)
        if self.volume.is_set_aside():
            deployment_of(made)["spec"]["replicas"] = 1
        app.apply(made, None, VALIDATE_SECONDS)
        app.rollout(None, VALIDATE_SECONDS)
        self._wait_for_page(settings)

    def _wait_for_page(self, settings: Settings) -> None:
        self._cluster.page.open(settings, self._app(), None, VALIDATE_SECONDS)
        if self._shared.helper.runs:  # visitors may come from there
            wait_inside(self.endpoint(settings), VALIDATE_SECONDS)

    def scale(self, number: int) -> list[str]:
        """The service spreads page views over the pods, all at one address."""
        self._app().scale(number, VALIDATE_SECONDS)
        asked = recall(self._app())
        return [self.endpoint(asked.settings).url] if asked else []

    def image_service(self) -> AbstractContextManager["Controlled"]:
        """In a pod beside the app."""
        image, secrets = self._app().image_and_secrets()
        return image_pod.run_beside(
            self._cluster.client, image, node=self._cluster.node, pull_secrets=secrets
        )


def _in_words(made: list[Resource]) -> str:
    """Returns the kinds, as people say them."""
    kinds = [one["kind"].removeprefix("PersistentVolume").lower() or "volume" for one in made]
    return f"{', '.join(kinds[:-1])} and {kinds[-1]}" if len(kinds) > 1 else kinds[0]
