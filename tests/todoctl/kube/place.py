"""A place on a make-believe cluster, of which nothing but its API is known."""

from pathlib import Path

from todoctl.kube.api import Api
from todoctl.kube.context import Context
from todoctl.kube.manifests import Resource, adapted
from todoctl.settings import Settings


class Place(Context):
    name = "place"
    node_name = None
    api: Api = None  # type: ignore[assignment]

    def __init__(self, api: Api) -> None:
        super().__init__(Path(), Path("place"))
        self.api = api
        self.containers: int | None = None
        """How many run; None for as many as there are pods."""

    def resources(self, settings: Settings, image: str, *, replicas: int | None = None) -> list[Resource]:
        return adapted(settings, image, replicas=1 if replicas is None else replicas)

    def printing(self, settings: Settings, image: str) -> list[str]:
        return ["print", str(settings.ttl), image]

    def running(self) -> int:
        return len(self.api.pods()) if self.containers is None else self.containers
