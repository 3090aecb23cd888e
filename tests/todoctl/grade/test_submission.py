"""Which app is chosen in repositories as people keep them, and what its images are built from."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.todoctl.grade.made import APP, ingress, manifests, storage, written
from todoctl.errors import BadUsageError
from todoctl.grade.submission import Submission, find

OTHERS = {
    "log_output/Dockerfile": "FROM alpine",
    "log_output/manifests/deployment.yaml": manifests("log-output", claim="shared"),
    "log_output/manifests/ingress.yaml": ingress(
        "shared-ingress", root="log-output-svc", pingpong="ping-pong-svc"
    ),
    "ping_pong/Dockerfile": "FROM alpine",
    "ping_pong/manifests/deployment.yaml": manifests("ping-pong", claim="shared"),
    "volumes/shared.yaml": storage("shared"),
}
"""The other exercises of the course, which are in nearly every repository."""

NODE = "FROM node:22-alpine"


@dataclass(frozen=True)
class Shape:
    """A repository, and what is found there."""

    files: Mapping[str, str]
    documents: str
    """Name@directory of what is applied, in order."""
    dockerfiles: str = ""
    path: str = "/"


SHAPES = {
    "all in one file at the top": Shape(
        {
            "Dockerfile": NODE,
            "app.yaml": "---\n".join(
                [manifests("todo", claim="todo"), ingress("todo", root="todo-svc"), storage("todo")]
            ),
        },
        "todo@. todo@. todo-dep@. todo-svc@. todo@.",
        "Dockerfile",
    ),
    "the volumes in a directory of their own": Shape(
        {
            "the_project/todo-app/Dockerfile": NODE,
            "the_project/todo-app/manifests/all.yaml": manifests("todo-app", claim="images"),
            "the_project/manifests/ingress.yaml": ingress("project", root="todo-app-svc"),
            "volumes/images.yaml": storage("images"),
        },
        "images@volumes images@volumes todo-app-dep@the_project/todo-app/manifests"
        " todo-app-svc@the_project/todo-app/manifests project@the_project/manifests",
        "the_project/todo-app/Dockerfile",
    ),
    "a directory for each exercise": Shape(
        {
            f"part1/{number}/{name}": text
            for number in ("1.8", "1.12", "1.13")
            for name, text in {
                "Dockerfile": NODE,
                "manifests/app.yaml": manifests("todo-app", claim="" if number == "1.8" else "image"),
                "manifests/ingress.yaml": ingress("todo-app", root="todo-app-svc"),
                "manifests/pv/storage.yaml": storage("image"),
            }.items()
        },
        "image@part1/1.12/manifests/pv image@part1/1.12/manifests/pv todo-app-dep@part1/1.12/manifests"
        " todo-app-svc@part1/1.12/manifests todo-app@part1/1.12/manifests",
        "part1/1.12/Dockerfile",
    ),
    "earlier copies of the app, without its volume": Shape(
        {
            "app/Dockerfile": NODE,
            "app/manifests/all.yaml": manifests("app"),
            "spa/Dockerfile": NODE,
            "spa/manifests/all.yaml": manifests("app") + "---\n" + ingress("app", root="app-svc"),
            "deploy/app.yaml": manifests("app", claim="app"),
            "deploy/spa.yaml": manifests("spa"),
            "deploy/ingress.yaml": ingress("app", root="spa-svc", api="app-svc"),
            "deploy/storage.yaml": storage("app"),
        },
        "app@deploy app@deploy spa-dep@deploy app-dep@deploy spa-svc@deploy app-svc@deploy app@deploy",
        "spa/Dockerfile app/Dockerfile",
    ),
    "one Ingress for all exercises": Shape(
        {
            "todo-app/Dockerfile": NODE,
            "todo-app/all.yaml": manifests("todo-app", claim="shared"),
            "manifests/ingress.yaml": ingress(
                "course", log="log-output-svc", todo="todo-app-svc", pong="ping-pong-svc"
            ),
        },
        "shared@volumes shared@volumes todo-app-dep@todo-app todo-app-svc@todo-app course@manifests",
        "todo-app/Dockerfile",
        "/todo",
    ),
    "an Ingress that was copied to another exercise": Shape(
        {
            "project/Containerfile": NODE,
            "project/all.yaml": manifests("project", claim="project") + "---\n" + storage("project"),
            "project/manifests/ingress.yaml": ingress("project", root="project-svc"),
            "log_output/ping-pong/manifests/ingress.yaml": ingress("project", root="project-svc"),
        },
        "project@project project@project project-dep@project project-svc@project project@project/manifests",
        "project/Containerfile",
    ),
    "a backend that only the environment names": Shape(
        {
            "project/frontend/Dockerfile": NODE,
            "project/backend/Dockerfile": NODE,
            "project/manifests/frontend.yaml": manifests(
                "frontend",
                claim="project",
                initContainers=[
                    {"image": "busybox", "env": [{"name": "API", "value": "http://backend-svc:2345/"}]}
                ],
            ),
            "project/manifests/backend.yaml": manifests("backend"),
            "project/manifests/ingress.yaml": ingress("project", root="frontend-svc"),
            "project/manifests/storage.yaml": storage("project"),
        },
        "project@project/manifests project@project/manifests frontend-dep@project/manifests"
        " backend-dep@project/manifests frontend-svc@project/manifests backend-svc@project/manifests"
        " project@project/manifests",
        "- project/frontend/Dockerfile project/backend/Dockerfile",
    ),
    "two containers of a pod, their Dockerfiles in one directory": Shape(
        {
            "project/Dockerfile.finder": NODE,
            "project/server.Dockerfile": NODE,
            "project/all.yaml": manifests(
                "server",
                claim="project",
                initContainers=[{"image": "someone/finder"}, {"image": "busybox:1.37"}],
            ),
            "project/ingress.yaml": ingress("project", root="server-svc"),
            "project/storage.yaml": storage("project"),
        },
        "project@project project@project server-dep@project server-svc@project project@project",
        "project/Dockerfile.finder - project/server.Dockerfile",
    ),
    "two apps with a name in common": Shape(
        {
            "project/todo/docker/Dockerfile": NODE,
            "project/todo/all.yaml": manifests(
                "todo", claim="project", initContainers=[{"image": "a/todo-backend"}]
            ),
            "project/todo-backend/Dockerfile": NODE,
            "project/ingress.yaml": ingress("project", root="todo-svc"),
            "project/storage.yaml": storage("project"),
        },
        "project@project project@project todo-dep@project/todo todo-svc@project/todo project@project",
        "project/todo-backend/Dockerfile project/todo/docker/Dockerfile",
    ),
    "a Dockerfile for something else": Shape(
        {
            "manifests/all.yaml": manifests("project", claim="project"),
            "manifests/ingress.yaml": ingress("project", root="project-svc"),
            "manifests/storage.yaml": storage("project"),
            "tools/ci/Dockerfile": "FROM alpine\nCOPY made/ .",
        },
        "project@manifests project@manifests project-dep@manifests project-svc@manifests project@manifests",
    ),
    "no Ingress": Shape(
        {
            "project/all.yaml": manifests("project", claim="project"),
            "project/storage.yaml": storage("project"),
        },
        "project@project project@project project-dep@project project-svc@project",
        "-",
    ),
    "a list": Shape(
        {
            "todo/all.yaml": yaml.safe_dump(
                {
                    "kind": "List",
                    "apiVersion": "v1",
                    "items": [
                        *yaml.safe_load_all(manifests("todo", claim="todo")),
                        *yaml.safe_load_all(storage("todo")),
                        yaml.safe_load(ingress("todo", root="todo-svc")),
                    ],
                }
            )
        },
        "todo@todo todo@todo todo-dep@todo todo-svc@todo todo@todo",
        "-",
    ),
}


def found(submission: Submission) -> str:
    return " ".join(f"{document.name}@{document.folder}" for document in submission.documents)


@pytest.mark.parametrize("name", SHAPES)
def test_the_app_is_found(tmp_path: Path, name: str) -> None:
    shape = SHAPES[name]
    submission = find(written(tmp_path, {**OTHERS, **shape.files}))
    assert found(submission) == shape.documents
    assert submission.paths[0] == shape.path
    built = [
        image.dockerfile.relative_to(tmp_path).as_posix() if image.dockerfile else "-"
        for image in submission.images
    ]
    assert " ".join(built) == (shape.dockerfiles or "-")
    assert {finding.code for finding in submission.findings} <= {"no-ingress"}
    assert submission.chosen[0].startswith("Chosen: ")
    assert any("log-output-dep" in line and "another exercise" in line for line in submission.chosen)


TWO = {
    f"{name}/all.yaml": "---\n".join(
        [manifests(name, claim=name), ingress(name, root=f"{name}-svc"), storage(name)]
    )
    for name in ("blog", "shop")
}


def test_several_candidates_are_listed(tmp_path: Path) -> None:
    with pytest.raises(
        BadUsageError,
        match=r'"blog-dep" \(blog/all.yaml:1\); Deployment "shop-dep" \(shop/all.yaml:1\).* -f PATH',
    ):
        find(written(tmp_path, TWO))


def test_the_user_says_which(tmp_path: Path) -> None:
    written(tmp_path, TWO)
    submission = find(tmp_path, [tmp_path / "shop"])
    assert found(submission) == "shop@shop shop@shop shop-dep@shop shop-svc@shop shop@shop"


def test_another_exercise_is_taken_only_where_it_is_named(tmp_path: Path) -> None:
    written(tmp_path, OTHERS)
    with pytest.raises(BadUsageError, match="no app of this step"):
        find(tmp_path)
    assert "ping-pong-dep@ping_pong/manifests" in found(
        find(tmp_path, [tmp_path / "ping_pong", tmp_path / "volumes"])
    )


@pytest.mark.parametrize(
    ("directory", "says"),
    [("nothing", "not a directory"), ("empty", "no YAML has a Deployment"), ("chart", "it is a template")],
)
def test_there_is_no_app(tmp_path: Path, directory: str, says: str) -> None:
    (tmp_path / "empty").mkdir()
    written(tmp_path, {"chart/templates/app.yaml": "kind: Deployment\nspec: {{ toYaml .Values.spec }}\n"})
    with pytest.raises(BadUsageError, match=says):
        find(tmp_path / directory)


@pytest.mark.parametrize(
    ("dockerfile", "text", "build"),
    [
        ("todo/Dockerfile", "COPY src/ .", "todo"),
        ("todo/docker/Dockerfile", "COPY . .", "todo"),
        ("todo/docker/Dockerfile", "COPY todo/src todo", "."),
        ("todo/Dockerfile", "COPY elsewhere .", "todo"),
    ],
)
def test_an_image_is_built_where_its_files_are(
    tmp_path: Path, dockerfile: str, text: str, build: str
) -> None:
    files = {"todo/all.yaml": manifests("todo"), "todo/src/app.py": "", dockerfile: f"FROM python\n{text}\n"}
    (image,) = find(written(tmp_path, files)).images
    assert (image.dockerfile, image.build) == (tmp_path / dockerfile, tmp_path / build)


def test_the_directory_to_build_in_is_named(tmp_path: Path) -> None:
    written(tmp_path, {**APP, "elsewhere/Dockerfile": NODE})
    (image,) = find(tmp_path, builds=[tmp_path / "elsewhere"]).images
    assert image.dockerfile == tmp_path / "elsewhere/Dockerfile"
    (image,) = find(tmp_path).images
    assert image.build == tmp_path / "project"
    assert image.at == "project/manifests/deployment.yaml:21"


KUSTOMIZATION = """\
namespace: course
resources: [../project/manifests, ../volumes/project.yaml]
commonLabels: {owner: anna}
labels: [{pairs: {step: six}}]
images: [{name: someone/project, newName: anna/todo, newTag: "2"}]
"""


def test_a_kustomization_is_applied_where_it_is_named(tmp_path: Path) -> None:
    written(tmp_path, {**APP, "base/kustomization.yaml": KUSTOMIZATION})
    names = ["claim.yaml", "deployment.yaml", "ingress.yaml", "service.yaml"]
    written(tmp_path, {"project/manifests/kustomization.yml": f"resources: [{', '.join(names)}]"})
    submission = find(tmp_path, [tmp_path / "base"])
    deployment, service = submission.of("Deployment", "Service")
    assert deployment.text("metadata", "namespace") == service.text("metadata", "namespace") == "course"
    assert deployment.mapping("spec", "selector", "matchLabels") == {"app": "project", "owner": "anna"}
    assert deployment.mapping("metadata", "labels") == {"owner": "anna", "step": "six"}
    assert service.mapping("spec", "selector") == {"app": "project", "owner": "anna"}
    assert [image.name for image in submission.images] == ["anna/todo:2"]
    assert {finding.code for finding in submission.findings} == {"namespace-missing"}
    assert any("kustomization.yml; -f" in line for line in find(tmp_path).chosen)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "configMapGenerator: [{name: a}]",
            r"kustomization.yaml:1 asks for configMapGenerator.*kubectl kustomize",
        ),
        ("resources: [https://example.com/a.yaml]", "names https://example.com/a.yaml, which is not in"),
        ("resources: [../../../etc]", "which is not in"),
        ("resources: [../base]", "no kustomization that can be read"),
        ("- a list", "no kustomization that can be read"),
    ],
)
def test_a_kustomization_that_says_more_is_refused(tmp_path: Path, text: str, says: str) -> None:
    written(tmp_path, {"base/kustomization.yaml": text})
    with pytest.raises(BadUsageError, match=says):
        find(tmp_path, [tmp_path / "base"])


HOSTILE = {
    "a bomb of aliases": "kind: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
    + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("bcdefg", "cdefgh", strict=True)
    ),
    "brackets without end": "kind: " + "[" * 20_000,
    "a tag that runs code": "kind: !!python/object/apply:os.system ['touch /tmp/grade-was-here']",
    "too long": "kind: Deployment\n" + "# x\n" * 100_000,
    "not text": "kind: \udcff",
    "an alias of itself": "kind: Deployment\nmetadata: &m {name: *m}",
    "no keys": "kind: Deployment\n? [a, b]\n: c",
    "odd types": "kind: Ingress\nmetadata: [1]\nspec: {rules: {a: 1}, tls: 3}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_files_of_a_stranger_do_no_harm(tmp_path: Path, text: str) -> None:
    written(tmp_path, APP)
    (tmp_path / "far/away/from").mkdir(parents=True)
    (tmp_path / "far/away/from/more.yaml").write_bytes(text.encode(errors="surrogateescape"))
    submission = find(tmp_path)
    assert "project-dep" not in found(submission)
    assert {finding.code for finding in submission.findings} <= {"yaml-broken"}
    assert not Path("/tmp/grade-was-here").exists()


def test_there_is_an_end_to_what_is_read(tmp_path: Path) -> None:
    many = "kind: List\nitems:\n" + "- {kind: Service}\n" * 1_500
    written(tmp_path, {**APP, "a.yaml": many, "b.yaml": many})
    with pytest.raises(BadUsageError, match="more than 2000 resources"):
        find(tmp_path)


def test_what_is_not_a_file_of_the_repository_is_not_read(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    written(repository, APP)
    written(tmp_path / "secret", {"app.yaml": TWO["shop/all.yaml"]})
    (repository / "linked.yaml").symlink_to(tmp_path / "secret/app.yaml")
    (repository / "linked").symlink_to(tmp_path / "secret")
    os.mkfifo(repository / "pipe.yaml")
    assert "shop" not in " ".join(find(repository).chosen)
