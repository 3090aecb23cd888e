"""Chooses the app among all the resources of a repository, with all that it needs.

A repository of the course holds other exercises beside the app, and often the app of earlier exercises too.
So a name stands for the resource that is nearest in the tree of directories, and an app is chosen by what
sets this step apart.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from todoctl.errors import BadUsageError
from todoctl.grade.catalogue import Finding
from todoctl.grade.documents import Document, KeyPath

WORKLOADS = ("Deployment", "StatefulSet")

ENTRIES = ("Ingress", "HTTPRoute")

POD = ("spec", "template", "spec")

NEAR = 3
"""Steps from one directory to another in which something belongs to an app by its directory alone."""

LISTED = 6
"""Candidates in a message."""

OTHER_EXERCISE = re.compile(
    r"(?<![a-z])(ping|pong|log[-_ ]?outputs?|hash|log[-_ ]?(reader|writer|generator|server))", re.IGNORECASE
)
THIS_STEP = re.compile(r"(?<![\d.])1[._-]12(?!\d)|step[-_ .]?0?6(?!\d)", re.IGNORECASE)
THE_PROJECT = re.compile(r"project|todo", re.IGNORECASE)


@dataclass(frozen=True)
class Route:
    """A path of an Ingress or HTTPRoute, and the Service that it leads to."""

    entry: Document
    backend: KeyPath
    """Where the entry names the Service."""
    path: str
    service: str
    port: str
    """Number or name, "" where there is none."""


@dataclass(frozen=True)
class Reference:
    """What a workload names and cannot start without."""

    kind: str
    name: str
    at: KeyPath
    key: str = ""
    """What it needs of a ConfigMap or Secret, "" for all that is there."""


@dataclass
class App:
    """Workloads that belong together, the Services in front of them, and what leads to these."""

    entries: list[Document]
    services: list[Document]
    workloads: list[Document]
    needs: list[Document]
    """Claims, volumes, ConfigMaps, Secrets, and what changes the paths of requests."""

    @property
    def documents(self) -> list[Document]:
        """Returns all resources of the app."""
        return [*self.needs, *self.workloads, *self.services, *self.entries]

    @property
    def core(self) -> list[Document]:
        """Returns the workloads; where none was found, what should lead to them."""
        return self.workloads or self.services or self.entries

    def __str__(self) -> str:
        return ", ".join(f"{document.title} ({document.at()})" for document in self.core)


def routes(entry: Document) -> list[Route]:
    """Returns where an Ingress or HTTPRoute leads, also in the form of before Kubernetes 1.19."""
    found = []
    for rule in entry.each("spec", "rules"):
        if entry.kind == "HTTPRoute":
            path = entry.text(*rule, "matches", 0, "path", "value")
            found += [_route(entry, backend, path) for backend in entry.each(*rule, "backendRefs")]
        for at in entry.each(*rule, "http", "paths"):
            found.append(_route(entry, (*at, "backend"), entry.text(*at, "path")))
    for key in ("defaultBackend", "backend"):
        if entry.mapping("spec", key):
            found.append(_route(entry, ("spec", key), "/"))
    return found


def _route(entry: Document, backend: KeyPath, path: str) -> Route:
    name = ("service", "name") if entry.mapping(*backend, "service") else ("name",)
    port = (
        entry.text(*backend, "service", "port", "number")
        or entry.text(*backend, "service", "port", "name")
        or entry.text(*backend, "servicePort")
        or entry.text(*backend, "port")
    )
    service = entry.text(*backend, *name) or entry.text(*backend, "serviceName")
    return Route(entry, backend, path.removesuffix("*") or "/", service, port)


def containers(workload: Document) -> list[KeyPath]:
    """Returns the paths of the containers of a workload, those that only prepare it first."""
    return [*workload.each(*POD, "initContainers"), *workload.each(*POD, "containers")]


def references(workload: Document) -> Iterator[Reference]:
    """Returns the claims, ConfigMaps and Secrets that a workload names, but not what is optional."""
    for volume in workload.each(*POD, "volumes"):
        sources = [volume, *workload.each(*volume, "projected", "sources")]
        for source in sources:
            claim = (*source, "persistentVolumeClaim")
            yield from _reference(workload, "PersistentVolumeClaim", claim, "claimName")
            yield from _reference(workload, "ConfigMap", (*source, "configMap"), "name")
            yield from _reference(workload, "Secret", (*source, "secret"), "secretName")
            yield from _reference(workload, "Secret", (*source, "secret"), "name")
    for container in containers(workload):
        for variable in workload.each(*container, "env"):
            value = (*variable, "valueFrom")
            yield from _reference(workload, "ConfigMap", (*value, "configMapKeyRef"), "name")
            yield from _reference(workload, "Secret", (*value, "secretKeyRef"), "name")
        for source in workload.each(*container, "envFrom"):
            yield from _reference(workload, "ConfigMap", (*source, "configMapRef"), "name")
            yield from _reference(workload, "Secret", (*source, "secretRef"), "name")


def _reference(workload: Document, kind: str, at: KeyPath, key: str) -> Iterator[Reference]:
    name = workload.text(*at, key)
    if name and workload.get(*at, "optional") is not True:
        yield Reference(kind, name, (*at, key), workload.text(*at, "key"))


def matches(selector: dict[str, object], labels: dict[str, object]) -> bool:
    """Whether labels are what a selector asks for."""
    return bool(selector) and selector.items() <= labels.items()


def storage_class(document: Document) -> str | None:
    """Returns the class that a claim or volume names, which may be ""; None where it names none."""
    value = document.get("spec", "storageClassName")
    return value if isinstance(value, str) else None


class Repository:
    """All resources of a directory, and how they name each other."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.documents = list(documents)
        labels = ("spec", "template", "metadata", "labels")
        workloads = [(workload, workload.mapping(*labels)) for workload in self.of(*WORKLOADS)]
        self._selected = {
            service: nearest(
                [one for one, has in workloads if matches(service.mapping("spec", "selector"), has)], service
            )
            for service in self.of("Service")
        }

    def of(self, *kinds: str) -> list[Document]:
        """Returns the resources of these kinds."""
        return [document for document in self.documents if document.kind in kinds]

    def named(self, kind: str, name: str, user: Document) -> Document | None:
        """Returns the resource of that name that is nearest to its user.

        Of two in one directory it is the second, which `kubectl apply` leaves in the cluster.
        """
        found = nearest([document for document in self.of(kind) if name and document.name == name], user)
        return found[-1] if found else None

    def selected(self, service: Document) -> list[Document]:
        """Returns the nearest workloads whose pods a Service selects."""
        return self._selected[service]

    def candidates(self) -> list[App]:
        """Returns the apps that there are: what an Ingress leads to, then what none leads to."""
        apps = [self._behind(entry) for entry in self.of(*ENTRIES)]
        reached = [workload for app in apps for workload in app.workloads]
        for workload in self.of(*WORKLOADS):
            if workload not in reached:
                services = [service for service in self.of("Service") if workload in self.selected(service)]
                apps.append(App([], services, [workload], []))
        return _merged(apps)

    def _behind(self, entry: Document) -> App:
        """Returns what an entry leads to, or would lead to without a fault: then by the directory."""
        services = unique(self.named("Service", route.service, entry) for route in routes(entry))
        if not services:
            services = nearest(self.of("Service"), entry, NEAR)
        workloads = unique(workload for service in services for workload in self.selected(service))
        if not workloads:
            selected = [one for service in self.of("Service") for one in self.selected(service)]
            free = [workload for workload in self.of(*WORKLOADS) if workload not in selected]
            workloads = nearest(free, (services or [entry])[0], NEAR)
        mine = [workload for workload in workloads if not is_other_exercise(workload)]
        if mine and len(mine) < len(workloads):
            workloads = mine
            services = [one for one in services if set(self.selected(one)) & set(mine)]
        return App([entry], services, workloads, [])

    def complete(self, app: App) -> None:
        """Adds what the app needs: also the Services that its environment names, with what is behind them."""
        named = {entry.name: entry for entry in app.entries}
        app.entries = [
            nearest([entry for entry in app.entries if entry.name == name], app.core[0])[-1] for name in named
        ]
        app.workloads = self._single(app.workloads)
        for workload in app.workloads:  # grows while it is gone through
            needs = [self.named(one.kind, one.name, workload) for one in references(workload)]
            app.needs += [one for one in unique(needs) if one not in app.needs]
            for service in self._called(workload, app.needs):
                if service not in app.services:
                    app.services.append(service)
                    there = {one.name for one in app.workloads}
                    app.workloads += self._single(
                        [one for one in self.selected(service) if one.name not in there]
                    )
        for claim in [need for need in app.needs if need.kind == "PersistentVolumeClaim"]:
            app.needs += [volume for volume in self.volumes(claim) if volume not in app.needs]
        for entry in app.entries:
            app.needs += [one for one in self.middlewares(entry) if one not in app.needs]

    @staticmethod
    def _single(workloads: list[Document]) -> list[Document]:
        """Returns one workload of each name: the one with a claim, else the last, which the cluster keeps."""
        ranked = sorted(workloads, key=mounts_a_claim)
        found = {(workload.kind, workload.name): workload for workload in ranked}
        return [workload for workload in workloads if workload in found.values()]

    def volumes(self, claim: Document) -> list[Document]:
        """Returns the nearest volumes that a claim asks for, by name or by class."""
        name = claim.text("spec", "volumeName")
        found = self.of("PersistentVolume")
        if name:
            return nearest([volume for volume in found if volume.name == name], claim)
        wanted = storage_class(claim) or ""
        return nearest([volume for volume in found if (storage_class(volume) or "") == wanted], claim)

    def middlewares(self, entry: Document) -> list[Document]:
        """Returns Traefik's middlewares that an Ingress names in its annotation."""
        named = entry.text("metadata", "annotations", "traefik.ingress.kubernetes.io/router.middlewares")
        found = []
        for name in re.findall(r"([\w.-]+)@kubernetescrd", named):
            same = [one for one in self.of("Middleware") if one.name and name.endswith(f"-{one.name}")]
            found += nearest(same, entry)[-1:]
        return found

    def _called(self, workload: Document, needs: list[Document]) -> list[Document]:
        """Returns the Services whose name is a host in the environment of a workload."""
        values = [
            workload.text(*variable, "value")
            for container in containers(workload)
            for variable in workload.each(*container, "env")
        ]
        for need in needs:
            values += [str(value) for value in need.mapping("data").values() if need.kind == "ConfigMap"]
        return unique(
            self.named("Service", service.name, workload)
            for service in self.of("Service")
            for value in values
            if service.name and re.search(rf"(^|//|@){re.escape(service.name)}($|[:./])", value)
        )


def _merged(apps: list[App]) -> list[App]:
    """Returns the apps, those as one that share a workload or that are beside each other in one directory."""
    merged: list[App] = []
    for app in apps:
        for other in merged:
            shared = [one for one in app.workloads if one in other.workloads]
            beside = bool(app.entries) == bool(other.entries) and folder(app) == folder(other)
            if shared or (beside and is_other(app) == is_other(other)):
                for mine, theirs in (
                    (app.entries, other.entries),
                    (app.services, other.services),
                    (app.workloads, other.workloads),
                ):
                    theirs += [one for one in mine if one not in theirs]
                break
        else:
            merged.append(app)
    return merged


def folder(app: App) -> PurePosixPath:
    """Returns the directory of what leads to the app, or of the app itself."""
    return (app.entries or app.core)[0].folder


def is_other_exercise(document: Document) -> bool:
    """Whether name or directory say that this belongs to another exercise of the course."""
    return bool(OTHER_EXERCISE.search(f"{document.folder}/{document.name}"))


def is_other(app: App) -> bool:
    """Whether all of the app belongs to another exercise."""
    return all(map(is_other_exercise, app.core))


def _says(pattern: re.Pattern[str], app: App) -> bool:
    return any(pattern.search(f"{document.folder}/{document.name}") for document in [*app.core, *app.entries])


def mounts_a_claim(workload: Document) -> bool:
    """Whether a workload asks for a volume that outlives its pods."""
    claims = [one for one in references(workload) if one.kind == "PersistentVolumeClaim"]
    return bool(claims or workload.get("spec", "volumeClaimTemplates"))


CRITERIA: tuple[tuple[Callable[[App], bool], str], ...] = (
    (lambda app: not is_other(app), "it belongs to another exercise"),
    (lambda app: _says(THIS_STEP, app), "another directory has the name of this step"),
    (lambda app: any(map(mounts_a_claim, app.workloads)), "it mounts no claim"),
    (lambda app: _says(THE_PROJECT, app), "its name does not say that it is the project"),
    (lambda app: bool(app.entries), "no Ingress leads to it"),
    (lambda app: bool(app.services), "no Service leads to it"),
)
"""What sets the app of this step apart, the clearest first, and why another one is not chosen."""


def choose(repository: Repository, broken: Sequence[Finding], *, named: bool) -> tuple[App, list[str]]:
    """Returns the app, complete, and sentences that say why it is this one.

    `broken` are the files that cannot be read; `named` says that the user has named the files.
    Raises BadUsageError where there is no app, or several.
    """
    left = repository.candidates()
    if not left:
        absent = [finding.sentence for finding in broken] or ["no YAML has a Deployment or an Ingress"]
        fix = "Name the manifests with -f PATH"
        raise BadUsageError("There is no app here", why="; ".join(absent[:LISTED]), fix=fix)
    why: list[str] = []
    for criterion, reason in CRITERIA:
        kept = [app for app in left if criterion(app)]
        if kept:
            why += [f"Not chosen: {app}, because {reason}" for app in left if not criterion(app)]
            left = kept
    if len(left) > 1 or (is_other(left[0]) and not named):
        raise BadUsageError(
            "It is not clear which app is meant" if len(left) > 1 else "There is no app of this step here",
            why="there are " + "; ".join(map(str, left[:LISTED])) + ("; …" if len(left) > LISTED else ""),
            fix="Name its manifests with -f PATH",
        )
    (app,) = left
    repository.complete(app)
    return app, [_chosen(app), *why]


def _chosen(app: App) -> str:
    fronts = app.entries or app.services
    if not fronts or not app.workloads:
        return f"Chosen: {app}"
    names = " and ".join(f"{document.title} ({document.at()})" for document in fronts)
    return f"Chosen: {app}, because {names} {'leads' if len(fronts) == 1 else 'lead'} to it"


def unique(documents: Iterable[Document | None]) -> list[Document]:
    """Returns the documents that are there, each once."""
    found: list[Document] = []
    for document in documents:
        if document is not None and document not in found:
            found.append(document)
    return found


def distance(one: PurePosixPath, other: PurePosixPath) -> int:
    """Returns the number of steps from one directory to the other."""
    return len(one.parts) + len(other.parts) - 2 * common(one, other)


def common(one: PurePosixPath, other: PurePosixPath) -> int:
    """Returns how many directories two paths have in common."""
    same = 0
    for mine, theirs in zip(one.parts, other.parts, strict=False):
        if mine != theirs:
            break
        same += 1
    return same


def nearest(documents: list[Document], user: Document, most: int = 100) -> list[Document]:
    """Returns those with the fewest steps to the user's directory, but at most so many."""
    steps = [distance(document.folder, user.folder) for document in documents]
    least = min([*steps, most])
    return [document for document, step in zip(documents, steps, strict=True) if step == least]
