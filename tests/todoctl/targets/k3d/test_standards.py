"""The manifests against the standards of others: schema, restricted pod, gapless rollout."""

from typing import Any

import kubernetes_validate
import pytest

from todoctl.kube import manifests


@pytest.fixture(name="deployment")
def _deployment() -> dict[str, Any]:
    (found,) = (resource for resource in manifests.plain() if resource["kind"] == "Deployment")
    spec: dict[str, Any] = found["spec"]
    return spec


@pytest.mark.parametrize("resource", manifests.plain(), ids=lambda resource: str(resource["kind"]))
def test_the_schema_of_current_kubernetes_agrees(resource: dict[str, Any]) -> None:
    kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True)


def test_the_pod_holds_to_the_restricted_standard(deployment: dict[str, Any]) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, field by field."""
    pod = deployment["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] >= 10_000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert [set(volume) - {"name"} for volume in pod["volumes"]] == [{"persistentVolumeClaim"}]
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert {"startupProbe", "readinessProbe", "livenessProbe", "resources"} <= container.keys()


def test_a_slow_answer_takes_no_visitors_away(deployment: dict[str, Any]) -> None:
    """One probe that fails does; the default is a second, which a busy node may take for an answer."""
    for container in deployment["template"]["spec"]["containers"]:
        for probe in ("readinessProbe", "livenessProbe"):
            assert container[probe]["timeoutSeconds"] >= 5


def test_a_rollout_has_no_gap(deployment: dict[str, Any]) -> None:
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    pod = deployment["template"]["spec"]
    environment = {variable["name"]: variable["value"] for variable in pod["containers"][0]["env"]}
    assert pod["terminationGracePeriodSeconds"] >= 2 * float(environment["DRAIN_SECONDS"])
