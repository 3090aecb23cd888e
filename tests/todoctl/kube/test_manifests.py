"""The manifests: documented names, what follows from options, and both places where they are kept."""

from pathlib import Path

import pytest
import yaml

from todoctl.errors import UnavailableError
from todoctl.kube import manifests


def test_the_documented_names() -> None:
    volume, claim, deployment, service, ingress = manifests.plain()
    assert volume["metadata"]["name"] == "local-pv"
    assert volume["spec"]["local"]["path"] == "/tmp/kube"
    assert volume["spec"]["capacity"] == {"storage": "1Gi"}
    assert volume["spec"]["accessModes"] == claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert volume["spec"]["storageClassName"] == claim["spec"]["storageClassName"] == "manual"
    assert claim["metadata"]["name"] == "local-pv-claim"
    pod = deployment["spec"]["template"]
    assert deployment["metadata"]["name"] == "todo-app-dep"
    assert pod["metadata"]["labels"] == {"app": "todo-app"}
    (container,) = pod["spec"]["containers"]
    assert container["name"] == "todo-app-container"
    assert container["ports"][0]["containerPort"] == 3000
    assert container["volumeMounts"][0]["mountPath"] == "/usr/src/app/files"
    assert service["metadata"]["name"] == "todo-app-svc"
    assert (service["spec"]["ports"][0]["port"], service["spec"]["ports"][0]["targetPort"]) == (1234, 3000)
    assert ingress["metadata"]["name"] == "dwk-todo-app-ingress"


def test_the_pod_has_time_to_drain() -> None:
    spec = manifests.plain()[2]["spec"]["template"]["spec"]
    environment = {variable["name"]: variable["value"] for variable in spec["containers"][0]["env"]}
    assert spec["terminationGracePeriodSeconds"] > float(environment["DRAIN_SECONDS"]) + 10


def test_the_kustomization_names_them_all() -> None:
    root = Path(__file__).parents[3] / "manifests"
    listed = yaml.safe_load((root / "kustomization.yaml").read_text())["resources"]
    assert listed == [f"{name}.yaml" for name in manifests.ORDER]
    assert {path.name for path in root.glob("*.yaml")} == {*listed, "kustomization.yaml"}


def test_in_a_wheel_they_are_in_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[3] / "manifests"
    (tmp_path / "manifests").symlink_to(root)
    monkeypatch.setattr(manifests, "files", lambda _: tmp_path)
    assert len(manifests.plain()) == 5
    (tmp_path / "manifests").unlink()
    with pytest.raises(UnavailableError, match="manifests are missing"):
        manifests.plain()
