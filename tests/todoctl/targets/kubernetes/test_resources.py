"""What the app is made of in a namespace."""

import pytest
import yaml

from todoctl.cli.app import app
from todoctl.kube import manifests
from todoctl.settings import Settings
from todoctl.targets.kubernetes.options import NamespaceOptions
from todoctl.targets.kubernetes.resources import command, resources


def test_only_what_a_namespace_holds() -> None:
    claim, deployment, service = resources(
        Settings(), NamespaceOptions(context="it", namespace="mine"), "app:1"
    )
    assert {one["metadata"]["namespace"] for one in (claim, deployment, service)} == {"mine"}
    assert {one["metadata"]["labels"]["app.kubernetes.io/managed-by"] for one in (claim, deployment, service)}
    assert "storageClassName" not in claim["spec"], "the cluster's default"
    pod = deployment["spec"]["template"]["spec"]
    assert pod["shareProcessNamespace"]
    assert "imagePullSecrets" not in pod
    assert (
        pod["containers"]
        == manifests.deployment_of(manifests.adapted(Settings(), "app:1"))["spec"]["template"]["spec"][
            "containers"
        ]
    )


def test_the_command_prints_what_is_applied(capsys: pytest.CaptureFixture[str]) -> None:
    options = NamespaceOptions(
        context="it", namespace="mine", storage_class="slow", pull_secret=("one", "two")
    )
    settings = Settings(ttl=5.0, image_url="sample:")
    _, *words = command(settings, options, "app:1")
    app(words, standalone_mode=False)
    assert list(yaml.safe_load_all(capsys.readouterr().out)) == resources(settings, options, "app:1")


def test_an_ingress_is_for_a_host(capsys: pytest.CaptureFixture[str]) -> None:
    options = NamespaceOptions(
        context="it", namespace="mine", host="todo.example.org:8080", ingress_class="nginx", replicas=3
    )
    found = resources(Settings(), options, "app:1", replicas=3)
    claim, deployment, _, ingress = found
    assert ingress["spec"]["rules"][0]["host"] == "todo.example.org"
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert deployment["spec"]["replicas"] == 3
    _, *words = command(Settings(), options, "app:1")
    app(words, standalone_mode=False)
    assert list(yaml.safe_load_all(capsys.readouterr().out)) == found
