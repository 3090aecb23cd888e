"""The app in a namespace: it is brought to what was asked, whatever somebody did to it meanwhile."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.todoctl.kube.kube import Answer, Kube
from tests.todoctl.kube.objects import BORN, Json, pod
from todoctl.errors import UnavailableError
from todoctl.kube import manifests
from todoctl.kube.app import App
from todoctl.kube.client import Client
from todoctl.settings import Settings

PV, PVC = ("persistentvolumes", "local-pv"), ("persistentvolumeclaims", "local-pv-claim")
DEPLOYMENT = ("deployments", "todo-app-dep")
SETTINGS = Settings(image_url="sample:")
RESOURCES = manifests.adapted(SETTINGS, "todo-app:1")


@pytest.fixture(name="app")
def _app(client: Client, kube: Kube) -> App:
    def control() -> None:
        """What is deleted goes when no pod uses it, and a volume that its claim has left is Released."""
        for key, found in list(kube.resources.items()):
            if "deletionTimestamp" in found["metadata"] and not (kube.pods and key == PVC):
                if key == PV and PVC in kube.resources:
                    continue
                del kube.resources[key]
                if key == PVC and PV in kube.resources:
                    kube.resources[PV]["status"] = {"phase": "Released"}

    kube.controllers.append(control)
    return App(client, "k3d-it")


def _delete(key: tuple[str, str]) -> Callable[[Kube], object]:
    return lambda kube: kube.resources[key]["metadata"].update(deletionTimestamp=BORN)


def _lose(kube: Kube) -> None:
    kube.resources[PVC]["status"] = {"phase": "Lost"}
    del kube.resources[PV]


def _pause(reason: str) -> Callable[[Kube], object]:
    def shape(kube: Kube) -> None:
        kube.pods = [pod("paused", waiting={"reason": reason})]

    return shape


@pytest.mark.parametrize(
    "somebody",
    [
        _delete(PVC),
        _delete(PV),
        _delete(("services", "todo-app-svc")),
        _delete(DEPLOYMENT),
        _lose,
        lambda kube: kube.resources.pop(("ingresses", "dwk-todo-app-ingress")),
        lambda kube: kube.resources[PV].update(
            status={"phase": "Released"}, spec={"claimRef": {"uid": "old"}}
        ),
        lambda kube: kube.resources[PV].update(status={"phase": "Failed"}),
        lambda kube: kube.resources["services", "todo-app-svc"]["spec"].update(selector={"app": "other"}),
        lambda kube: kube.resources[DEPLOYMENT]["spec"].update(replicas=0),
        _pause("ImagePullBackOff"),
        _pause("CrashLoopBackOff"),
    ],
)
def test_whatever_somebody_did_to_it_it_is_there_as_asked(
    somebody: Callable[[Kube], object], app: App, client: Client, kube: Kube
) -> None:
    assert app.apply(RESOURCES, None, 5.0)
    assert not app.apply(RESOURCES, None, 5.0), "nothing has changed"
    somebody(kube)
    assert app.apply(RESOURCES, None, 5.0)
    app.rollout(None, 5.0)
    for wanted in RESOURCES:
        found = client.get(wanted["kind"], wanted["metadata"]["name"])
        assert found
        assert "deletionTimestamp" not in found["metadata"]
        if wanted["kind"] != "PersistentVolume":
            assert found["spec"] == {**found["spec"], **wanted["spec"]}
    assert kube.resources[PV]["status"] == {"phase": "Available"}
    assert "claimRef" not in kube.resources[PV]["spec"]
    assert not app.apply(RESOURCES, None, 5.0)


def test_what_holds_a_claim_that_is_deleted_is_said(app: App, kube: Kube) -> None:
    app.apply(RESOURCES, None, 5.0)
    mine: Json = pod("mine", labels={})
    mine["spec"]["volumes"] = [{"persistentVolumeClaim": {"claimName": "local-pv-claim"}}]
    kube.lists["pods"].append(mine)
    _delete(PVC)(kube)
    kube.controllers.clear()
    kube.controllers.append(lambda: None)
    with pytest.raises(UnavailableError, match=r"PersistentVolumeClaim local-pv-claim .*used by pod mine"):
        app.apply(RESOURCES, None, 0.1)


def test_what_cannot_be_mended_in_place_is_made_anew_but_never_a_claim(app: App, kube: Kube) -> None:
    """As a Service whose port was edited: seen on k3s 1.36."""
    app.apply(RESOURCES, None, 5.0)
    refusal = Answer(422, '{"kind": "Status", "message": "spec.ports[0].name: Required value"}')
    for name, mended in (("services", True), ("persistentvolumeclaims", False)):
        kube.answers = {f"PATCH /api/v1/namespaces/default/{name}": refusal}
        kube.controllers.append(lambda: kube.answers.clear() if "DELETE" in kube.requests[-1] else None)
        if mended:
            assert app.apply(RESOURCES, None, 5.0)
        else:
            with pytest.raises(UnavailableError, match="Required value"):
                app.apply(RESOURCES, None, 5.0)
    assert PVC in kube.resources


def test_another_image_or_ttl_is_applied(app: App, kube: Kube) -> None:
    app.apply(RESOURCES, None, 5.0)
    other = manifests.adapted(replace(SETTINGS, ttl=5.0), "todo-app:2")
    assert app.apply(other, None, 5.0)
    (container,) = kube.resources[DEPLOYMENT]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "todo-app:2"


def test_only_what_todoctl_has_made_is_deleted(app: App, kube: Kube) -> None:
    app.apply(RESOURCES, None, 5.0)
    kube.resources["services", "todo-app-svc"]["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    app.delete(RESOURCES, None, 5.0)
    assert set(kube.resources) == {("services", "todo-app-svc")}


def test_restart_scale_stop_and_kill(app: App, kube: Kube) -> None:
    app.apply(RESOURCES, None, 5.0)
    seen = [app.instances()]
    changes: tuple[Callable[[], None], ...] = (
        lambda: app.restart(5.0),
        lambda: app.kill(5.0),
        lambda: app.scale(3, 5.0),
        lambda: app.stop(5.0, at_once=True),
    )
    for change in changes:
        change()
        seen.append(app.instances())
    assert [len(one) for one in seen] == [1, 1, 1, 3, 0]
    assert len(frozenset.union(*seen[:3])) == 3
    with pytest.raises(UnavailableError, match="The app does not run"):
        app.running()
    assert list(app.logs(follow=False, lines=5)) == []
    kube.pods = [pod("it")]
    assert list(app.logs(follow=False, lines=5)) == ["first line", "last line"]
    del kube.resources[DEPLOYMENT]
    app.stop(1.0)
