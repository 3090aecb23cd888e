"""What somebody hands in: the app that is in a directory, chosen from all the YAML there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from todoctl.errors import BadUsageError
from todoctl.grade import dockerfiles, findings, kustomize
from todoctl.grade.catalogue import Finding, Severity
from todoctl.grade.choice import App, Repository, choose, routes
from todoctl.grade.dockerfiles import Image, images_of
from todoctl.grade.documents import Document, files_of, read

ORDER = (
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ConfigMap",
    "Secret",
    "Middleware",
    "StatefulSet",
    "Deployment",
    "Service",
    "HTTPRoute",
    "Ingress",
)
"""The kinds that belong to an app, in the order in which they are applied."""

UNLIKELY = ("api", "_", "finder", "image", "static", "assets", "health")
"""How paths begin that lead to something else than the page."""

ABSENT = frozenset(
    {"claim-class", "ingress-service", "no-claim", "no-deployment", "no-ingress", "no-service"}
    | {"resource-missing", "service-selects-nothing", "volume-missing"}
)
"""What cannot be said of an app where one of its files cannot be read."""


@dataclass(frozen=True)
class Submission:
    """The app that was found."""

    directory: Path
    documents: tuple[Document, ...]
    """The resources of the app, in the order in which they are applied."""
    images: tuple[Image, ...]
    """Each image once."""
    paths: tuple[str, ...]
    """Where the page may be, the likeliest first; "/" where no Ingress says another."""
    chosen: tuple[str, ...]
    """What was chosen and why, a sentence each."""
    findings: tuple[Finding, ...]
    """What is wrong with it, as far as the files say."""
    beside: tuple[Document, ...]
    """What is not applied, of the files that the user has named, else of the directories of the app."""

    def of(self, *kinds: str) -> list[Document]:
        """Returns the app's resources of these kinds."""
        return [document for document in self.documents if document.kind in kinds]


def find(directory: Path, files: Sequence[Path] = (), builds: Sequence[Path] = ()) -> Submission:
    """Returns the app in a directory; with `files`, the one that these files and directories have.

    `builds` are directories with a Dockerfile, each for the image that has its name, or for the only image
    that there is. Raises BadUsageError where there is no app, and where several are there.
    """
    if not directory.is_dir():
        raise BadUsageError(f"{directory} is not a directory", fix="Name the directory of the repository")
    everything = files_of(directory)
    documents, broken = _named(directory, everything, files) if files else read(directory, everything)
    repository = Repository(documents)
    app, chosen = choose(repository, broken, named=bool(files))
    images = images_of(directory, app, everything, builds)
    found = [*_read(broken, app), *findings.check(app, repository, images)]
    if any(finding.code == "yaml-broken" and finding.severity is Severity.FAULT for finding in found):
        found = [finding for finding in found if finding.code not in ABSENT]
    found += dockerfiles.check(directory, app, images)
    found.sort(key=lambda finding: list(Severity).index(finding.severity))
    mine = sorted(app.documents, key=lambda document: ORDER.index(document.kind))
    folders = {document.folder for document in mine}
    beside = [one for one in documents if one not in mine and (files or one.folder in folders)]
    for file in everything if not files else ():
        if file.name in kustomize.NAMES and PurePosixPath(file.relative_to(directory)).parent in folders:
            chosen.append(f"Not applied: {file.relative_to(directory)}; -f {file.parent} applies it")
    return Submission(directory, tuple(mine), images, _paths(app), tuple(chosen), tuple(found), tuple(beside))


def _read(broken: Sequence[Finding], app: App) -> Iterator[Finding]:
    """Returns what was wrong with the files as YAML; outside of the app's directories that is only a hint."""
    folders = {str(document.folder) for document in app.documents}
    files = {document.file for document in app.documents}
    for finding in broken:
        file = PurePosixPath(finding.at.rpartition(":")[0])
        if finding.code != "key-twice":
            yield finding if str(file.parent) in folders else replace(finding, severity=Severity.HINT)
        elif str(file) in files:
            yield finding


def _named(
    directory: Path, everything: Sequence[Path], named: Sequence[Path]
) -> tuple[list[Document], list[Finding]]:
    """Returns the resources of the files, directories and kustomizations that the user has named."""
    documents: list[Document] = []
    broken: list[Finding] = []
    for path in named:
        mine = [file for file in everything if file.resolve().is_relative_to(path.resolve())]
        if not mine:
            fix = "Name a file or a directory of the repository with -f PATH"
            raise BadUsageError(f"There is no {path} in {directory}", fix=fix)
        simple = kustomize.file_in(path) is None
        more, unread = (
            read(directory, mine) if simple else kustomize.expand(directory.resolve(), path.resolve())
        )
        documents += more
        broken += unread
    return documents, broken


def _paths(app: App) -> tuple[str, ...]:
    """Returns the paths that lead to the app's own Services, the likeliest for its page first."""
    names = {service.name for service in app.services}
    found = {route.path for entry in app.entries for route in routes(entry) if route.service in names}
    if "/" in found or not found:
        return ("/",)
    return tuple(sorted(found, key=lambda path: (path.strip("/").startswith(UNLIKELY), path)))
