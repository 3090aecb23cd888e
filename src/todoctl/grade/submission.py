"""What somebody hands in: the app that is in a directory, chosen from all the YAML there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from todoctl.errors import BadUsageError
from todoctl.grade.choice import App, Repository, choose, routes
from todoctl.grade.dockerfiles import Image, images_of
from todoctl.grade.documents import Document, Finding, files_of, read

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
    documents, broken = read(directory, _among(everything, files) if files else everything)
    app, chosen = choose(Repository(documents), named=bool(files))
    return Submission(
        directory,
        tuple(sorted(app.documents, key=lambda document: ORDER.index(document.kind))),
        images_of(directory, app, everything, builds),
        _paths(app),
        tuple(chosen),
        tuple(broken),
    )


def _among(everything: Sequence[Path], named: Sequence[Path]) -> list[Path]:
    """Returns the files that the user has named, or that are in a directory of these."""
    found = [
        path for path in everything if any(path.resolve().is_relative_to(one.resolve()) for one in named)
    ]
    if not found:
        raise BadUsageError(
            f"There is nothing at {', '.join(map(str, named))}",
            fix="Name files of the repository with -f PATH",
        )
    return found


def _paths(app: App) -> tuple[str, ...]:
    """Returns the paths that lead to the app's own Services, the likeliest for its page first."""
    names = {service.name for service in app.services}
    found = {route.path for entry in app.entries for route in routes(entry) if route.service in names}
    if "/" in found or not found:
        return ("/",)
    return tuple(sorted(found, key=lambda path: (path.strip("/").startswith(UNLIKELY), path)))
