"""The kubernetes target, as the users of one cluster have it: a namespace each, and no right beyond it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import visitor
from tests.app_server import wait_for
from tests.e2e.conftest import run
from tests.e2e.namespaces import CONTEXT, IMAGE, WRITE, School, User, role, school
from tests.e2e.planted import planted
from tests.faults.catalogue import FAULTS
from todoctl.validation.scenarios import SCENARIOS

MADE = {
    "deployment.apps/todo-app-dep",
    "persistentvolumeclaim/local-pv-claim",
    "service/todo-app-svc",
}
"""What `up` makes, and what it makes goes with it: pods, replica sets, endpoints."""

GATEWAY = "gateway.networking.k8s.io"
TRAEFIK = {
    "apiVersion": "helm.cattle.io/v1",
    "kind": "HelmChartConfig",
    "metadata": {"name": "traefik", "namespace": "kube-system"},
    "spec": {
        "valuesContent": "providers: {kubernetesGateway: {enabled: true}}\n"
        "gateway: {listeners: {web: {namespacePolicy: {from: All}}}}\n"
    },
}
"""Makes the Traefik of k3s serve gateways: https://docs.k3s.io/networking/networking-services"""

TLS_ROUTES = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": f"tlsroutes.{GATEWAY}",
        "annotations": {"api-approved.kubernetes.io": "unapproved, of a test"},
    },
    "spec": {
        "group": GATEWAY,
        "scope": "Namespaced",
        "names": {"kind": "TLSRoute", "plural": "tlsroutes"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            }
        ],
    },
}
"""Traefik 3.7 takes no gateway before it can list these, and the chart that k3s has it from may lack them."""

CONVICTED = ("every view prolongs the life", "every start fetches")


@pytest.fixture(name="school", scope="module")
def _school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    with school(tmp_path_factory.mktemp("school"), "todoctl-ns") as found:
        yield found


def answers(user: User) -> bool:
    try:
        user.visit()
    except (httpx.HTTPError, OSError):
        return False
    return True


def test_a_namespaces_own_user_has_it_all(school: School, tmp_path: Path) -> None:
    """From nothing to nothing, with the port that is led on to the pods."""
    with school.user("all", tmp_path) as user:
        before = user.things()
        said = user(*user.up_arguments()).stdout
        assert f"http://localhost:{user.port}" in said
        made = user.things()
        assert made > before | MADE
        assert "nothing changed" in user(*user.up_arguments()).stdout

        seen = user.visit(2)
        status = user.status()
        assert (status["target"], status["answers"]) == ("kubernetes", True)
        assert (status["details"]["context"], status["details"]["namespace"]) == (CONTEXT, "all")
        assert "/usr/src/app/files/cache" in user("logs", "--lines", "500").stdout

        told = user.validate()
        assert [one["name"] for one in told["scenarios"]] == [one.name for one in SCENARIOS]
        assert told["passed"]
        assert "from a pod inside the cluster" in told["history"]["facts"]["entrance"]
        assert user.state() == seen, "picture and counts are the user's own again"
        user.wait_until_nothing_is_left()

        (pod,) = user.pods()
        user.kubectl("delete", "pod", pod["metadata"]["name"])
        wait_for(lambda: answers(user), deadline=60, what="the port finds the next pod")
        (following,) = user.pods()
        assert following["metadata"]["uid"] != pod["metadata"]["uid"]
        assert user.state().sha256 == seen.sha256

        user("down")
        user.wait_for_things(before)
        assert not answers(user)
        assert not user.home.exists()
        assert "othing" in user("down").stdout


def test_the_page_comes_through_an_ingress(school: School, tmp_path: Path) -> None:
    host = school.host()
    with school.user("ingress", tmp_path) as user:
        before = user.things()
        said = user(*user.up_arguments("--host", host)).stdout
        assert f"http://{host}" in said
        visitor.view(f"http://{host}")
        assert not answers(user), "there is no need for a port of this machine's own"
        told = user.validate("--scenario", "restart", "--scenario", "crowd")
        assert told["passed"]
        assert "ingress" in told["history"]["facts"]["entrance"]
        user.wait_until_nothing_is_left()
        user("down")
        user.wait_for_things(before)


def test_the_page_comes_through_a_gateway(school: School, tmp_path: Path) -> None:
    kinds = school.kubectl("get", "crd", "-o", "name")
    if f"gateways.{GATEWAY}" not in kinds or "helmchartconfigs" not in kinds:
        pytest.skip("the cluster has no Gateway API, or no Traefik of k3s")
    host = school.host()
    routes = role("gateway", "routes", {f"httproutes.{GATEWAY}": WRITE})
    with school.user("gateway", tmp_path, *routes) as user:
        before = user.things()
        school.apply(*([] if f"tlsroutes.{GATEWAY}" in kinds else [TLS_ROUTES]), TRAEFIK)
        taken = '{.items[*].status.conditions[?(@.type=="Programmed")].status}'
        wait_for(
            lambda: "True" in school.kubectl("get", "gateways", "-A", "-o", f"jsonpath={taken}"),
            deadline=240,
            what="a gateway",
        )
        given = user.up_arguments("--host", host, "--gateway", "kube-system/traefik-gateway")
        assert f"http://{host}" in user(*given).stdout
        visitor.view(f"http://{host}")
        assert f"httproute.{GATEWAY}/dwk-todo-app-route" in user.kubectl("get", "httproutes", "-o", "name")
        assert not [name for name in user.things() if name.startswith("ingress")]
        told = user.validate("--scenario", "restart", "--scenario", "crowd")
        assert told["passed"]
        assert "gateway kube-system/traefik-gateway" in told["history"]["facts"]["entrance"]
        user("down")
        user.wait_for_things(before)
        assert "dwk-todo-app-route" not in user.kubectl("get", "httproutes", "-o", "name")


@contextmanager
def shared_volume(school: School, name: str) -> Iterator[None]:
    """A volume for many, in a directory of one node: the file systems of several would need a server."""
    node = school.nodes("-l", "!node-role.kubernetes.io/control-plane")[0]
    path = f"/var/lib/{name}"
    run("docker", "exec", node, "mkdir", "-p", "-m", "777", path)
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "capacity": {"storage": "1Gi"},
            "local": {"path": path},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": name,
        },
    }
    school.apply(volume)
    try:
        yield
    finally:
        school.kubectl("delete", "pv", name, "--wait=false")
        run("docker", "exec", node, "rm", "-r", path)


def told_by(user: User, pod: str) -> dict[str, Any]:
    """The cache as that pod tells of it."""
    asking = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:3000/api/cache').read().decode())"
    said: dict[str, Any] = json.loads(user.kubectl("exec", pod, "--", "python3", "-c", asking))
    return said


def test_several_pods_on_one_volume_act_as_one(school: School, tmp_path: Path) -> None:
    name = "todoctl-e2e-shared"
    with shared_volume(school, name), school.user("several", tmp_path) as user:
        before = user.things()
        user(*user.up_arguments("--storage-class", name, "--replicas", "3"))
        pods = [pod["metadata"]["name"] for pod in user.pods()]
        assert len(pods) == 3
        seen = user.visit(4)
        states = [told_by(user, pod) for pod in pods]
        assert [state["access_count"] for state in states] == [4, 4, 4]
        assert {state["image"]["sha256"] for state in states} == {seen.sha256}
        user.kubectl("delete", "pod", pods[0])
        wait_for(lambda: answers(user), deadline=60, what="another pod answers")
        assert user.state().sha256 == seen.sha256

        assert user.validate("--scenario", "restart", "--scenario", "together")["passed"]
        assert user.state().sha256 == seen.sha256
        assert len(user.pods()) == 3, "as many as before"
        user("down")
        user.wait_for_things(before)


@pytest.mark.parametrize("name", CONVICTED)
def test_a_fault_that_is_deployed_is_convicted(name: str, school: School, tmp_path: Path) -> None:
    fault = next(fault for fault in FAULTS if fault.name == name)
    image = planted(fault, IMAGE, tmp_path)
    school.bring(image)
    run("docker", "rmi", image)
    with school.user(f"fault-{CONVICTED.index(name)}", tmp_path) as user:
        user(*user.up_arguments("--app-image", image))
        told = user.validate("--scenario", fault.scenario, code=1)
        (result,) = told["scenarios"]
        assert result["outcome"] == "failed", result["reason"]


def test_a_missing_right_is_named_before_anything_is_touched(school: School, tmp_path: Path) -> None:
    with school.user("lacking", tmp_path, without=["pods/exec", "events"]) as user:
        before = user.things()
        line = user(*user.up_arguments(), code=3).stderr.strip().splitlines()[-1]
        for right in ("get pods/exec", "create pods/exec", "list events"):
            assert right in line, "all at once"
        assert "get pods," not in line
        assert user.things() == before


def test_two_users_do_not_see_each_other(school: School, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with (
        school.user("one", tmp_path / "one") as one,
        school.user("two", tmp_path / "two") as two,
    ):
        one(*one.up_arguments())
        before = two.things()
        line = two(*two.up_arguments("--namespace", "one"), code=3).stderr.strip().splitlines()[-1]
        assert "create deployments" in line, "there they have no rights"
        two(*two.up_arguments())
        assert one.visit(3).access_count == 3
        assert two.visit().access_count == 1
        assert two.status()["details"]["namespace"] == "two"
        two("down")
        two.wait_for_things(before)
        assert one.state().access_count == 3


def test_a_validation_that_another_has_begun_is_told_of(school: School, tmp_path: Path) -> None:
    """Two people, or two machines of one, in one namespace."""
    (tmp_path / "other").mkdir()
    with school.user("shared", tmp_path) as user:
        user(*user.up_arguments())
        other = User(school, "shared", tmp_path / "other")
        other(*other.up_arguments())
        seen = user.visit(2)
        try:
            long = [word for name in ("restart", "crash", "files") for word in ("--scenario", name)]
            with user.spawn("validate", "--json", *long) as running:
                wait_for(lambda: "configmap/todoctl-validation" in user.things(), deadline=60)
                with other.spawn("status", "--json") as asked:  # the app may be stopped just now: code 3
                    assert (
                        "under way" in json.loads(asked.communicate(timeout=240)[0])["details"]["validation"]
                    )
                for command in (["validate"], ["down"], other.up_arguments("--ttl", "77")):
                    said = other(*command, code=3).stderr
                    assert "A validation is under way in namespace shared" in said
                    assert "process" in said, "by whom"
                assert running.poll() is None, "all that was while it played"
                out, err = running.communicate(timeout=500)
            assert running.returncode == 0, err
            assert json.loads(out)["passed"]
            assert "validation" not in other.status()["details"]
            assert user.state() == seen
        finally:
            other("down")
        assert "has gone from namespace" in user("status", code=3).stderr
        user("down")


def test_a_claim_that_is_bound_only_when_a_pod_needs_it(school: School, tmp_path: Path) -> None:
    classes = json.loads(school.kubectl("get", "storageclass", "-o", "json"))["items"]
    late = {one["metadata"]["name"] for one in classes if one["volumeBindingMode"] == "WaitForFirstConsumer"}
    name = late.pop()
    with school.user("late", tmp_path) as user:
        before = user.things()
        user(*user.up_arguments("--storage-class", name))
        claim = json.loads(user.kubectl("get", "pvc", "local-pv-claim", "-o", "json"))
        assert claim["spec"]["storageClassName"] == name
        assert claim["status"]["phase"] == "Bound"
        assert user.validate("--scenario", "mount", "--scenario", "crash")["passed"]
        user("down")
        user.wait_for_things(before)
