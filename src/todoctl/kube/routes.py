"""HTTPRoutes of the Gateway API, for which the library has no types: asked as it asks for what it knows."""

from dataclasses import dataclass, field
from typing import Any

from kubernetes import client

from todoctl.kube.manifests import ROUTE_GROUP, Resource

PLURAL = "httproutes"


@dataclass(frozen=True, slots=True)
class Route:
    """As the cluster has it."""

    metadata: client.V1ObjectMeta
    parents: list[dict[str, Any]] = field(default_factory=list)

    def refusals(self) -> list[str]:
        """What gateways have against it.
        https://gateway-api.sigs.k8s.io/reference/spec/#gateway.networking.k8s.io/v1.RouteConditionType"""
        return [
            f"{condition.get('reason')}: {condition.get('message')}"
            for parent in self.parents
            for condition in parent.get("conditions", [])
            if condition.get("status") == "False"
        ]


class Routes:
    """Called as `CoreV1Api` and its like are."""

    def __init__(self, api: client.ApiClient) -> None:
        self._custom = client.CustomObjectsApi(api)

    def read_namespaced_http_route(self, name: str, namespace: str, **given: Any) -> Route:  # noqa: ANN401
        found = self._custom.get_namespaced_custom_object(ROUTE_GROUP, "v1", namespace, PLURAL, name, **given)
        metadata = found["metadata"]
        labels, uid = metadata.get("labels"), metadata.get("uid")
        return Route(client.V1ObjectMeta(labels=labels, uid=uid), found.get("status", {}).get("parents", []))

    def patch_namespaced_http_route(
        self,
        name: str,
        namespace: str,
        body: Resource,
        **given: Any,  # noqa: ANN401
    ) -> object:
        return self._custom.patch_namespaced_custom_object(
            ROUTE_GROUP, "v1", namespace, PLURAL, name, body, **given
        )

    def delete_namespaced_http_route(self, name: str, namespace: str, **given: Any) -> object:  # noqa: ANN401
        return self._custom.delete_namespaced_custom_object(
            ROUTE_GROUP, "v1", namespace, PLURAL, name, **given
        )
