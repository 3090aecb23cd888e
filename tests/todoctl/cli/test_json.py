"""`--json`: one document on standard output, as docs/json.md and its schemas say."""

import copy
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.app_server import wait_for
from tests.todoctl.cli import documents, lines
from tests.todoctl.cli.documents import check, wrong
from tests.todoctl.conftest import CommandLine
from tests.todoctl.images.engine import Engine
from tests.todoctl.targets.k3d.world import World
from todoctl.__main__ import run
from todoctl.client import Client

DOCUMENTED = (Path(__file__).parents[3] / "docs" / "json.md").read_text()


@pytest.mark.parametrize("name", documents.NAMES)
def test_a_schema_is_one_and_says_what_for(name: str) -> None:
    schema = documents.schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:todoctl:schema:{name}"
    assert f"](../src/todoctl/schemas/{name}.json)" in DOCUMENTED
    for value in schema.get("properties", {}).values():
        assert value["description"].endswith(".")


def test_every_command_that_has_json_is_documented() -> None:
    having = {
        found.name
        for found in lines.commands()
        if any("--json" in parameter.opts for parameter in found.command.params)
    }
    assert having == set(re.findall(r"^\| `(todoctl [a-z ]+)` \|", DOCUMENTED, re.MULTILINE))


def test_the_examples_of_the_documentation_are_right() -> None:
    examples = re.findall(r"^`todoctl (\w+)[^`]*`\n\n```json\n(.*?)```", DOCUMENTED, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in examples] == ["up", "status", "down"]
    for name, text in examples:
        check(name, text)


def test_what_is_up_is_told(todoctl: CommandLine) -> None:
    up = todoctl.up("--json")
    told = check("up", up.stdout)
    assert (told["target"], told["source"], told["changed"]) == ("local", "sample:", True)
    assert told["url"] == f"http://localhost:{todoctl.port}"
    assert "The page is at" in up.stderr
    assert not check("up", todoctl.up("--json").stdout)["changed"]
    with Client(told["url"]) as client:
        wait_for(lambda: client.state().status == "valid")
        now = client.state()
    status = check("status", todoctl("status", "--json").stdout)
    assert status["answers"]
    assert status["cache"]["sha256"] == now.sha256
    assert status["cache"]["expires_at"] == now.expires_at

    down = check("down", todoctl("down", "--keep-data", "--json").stdout)
    assert down == {"target": "local", "changed": True, "data_kept": True}
    down = check("down", todoctl("down", "--json").stdout)
    assert down == {"target": "local", "changed": True, "data_kept": False}
    told_again = todoctl("down", "--json")
    assert check("down", told_again.stdout) == {"target": None, "changed": False, "data_kept": False}
    assert told_again.stderr == "Nothing is up; nothing to remove.\n"


def test_what_the_app_says_is_wrong_is_told(todoctl: CommandLine) -> None:
    assert check("up", todoctl.up("--json").stdout)["problem"] is None
    todoctl("down", "--keep-data")
    (todoctl.home / "local" / "volume" / "cache" / "cache_metadata.json").write_text("{")
    told = todoctl.up("--json")
    problem = check("up", told.stdout)["problem"]
    assert problem.startswith("cache_metadata.json")
    assert f"The app runs, but says: {problem}. 'todoctl status' shows" in " ".join(told.stderr.split())


def test_an_app_that_does_not_answer_has_a_status_too(todoctl: CommandLine) -> None:
    todoctl.up()
    runs = check("status", todoctl("status", "--json").stdout)["details"]["runs_as"]
    os.kill(int(runs.removeprefix("pid ")), signal.SIGKILL)
    status = check("status", todoctl("status", "--json", code=3).stdout)
    assert (status["answers"], status["cache"]) == (False, None)
    assert status["problem"]


def test_a_verdict_is_told_and_read_again(todoctl: CommandLine, tmp_path: Path) -> None:
    todoctl.up()
    ran = todoctl("validate", "--json", "--scenario", "files", "--scenario", "page")
    told = check("verdict", ran.stdout)
    assert {event["type"] for event in told["history"]["events"]} >= {"request", "volume", "download", "act"}
    saved = tmp_path / "run.json"
    saved.write_text(ran.stdout)
    assert check("verdict", todoctl("judge", str(saved), "--json").stdout) == told

    page = f"http://localhost:{todoctl.port}"
    apps = ("--url", page, "--url", page.replace("localhost", "127.0.0.1"))
    others = todoctl("validate", *apps, "--ttl", "0.5", "--claims", "shown", "--json")
    assert [one["target"] for one in check("verdict", others.stdout)["apps"]] == ["url", "url"]


def test_findings_are_told(todoctl: CommandLine) -> None:
    told = check(
        "doctor", todoctl("doctor", "--target", "local", "--port", str(todoctl.port), "--json").stdout
    )
    assert told["usable"]
    assert [one["target"] for one in told["targets"]] == ["local"]


def test_images_are_told(world: World, engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["image", "build", "me/app:1", "--json"]) == 0
    built = check("image-build", capsys.readouterr().out)
    assert built == {"reference": "me/app:1", "id": engine.images.get("me/app:1").id}
    digest = "sha256:" + 64 * "a"
    engine.images.pushed = lambda: iter([{"status": "Pushed"}, {"aux": {"Digest": digest}}])
    assert run(["image", "push", "me/app:1", "--json"]) == 0
    told = check("image-push", capsys.readouterr().out)
    assert told == {"reference": "me/app:1", "pinned": f"me/app@{digest}"}


def test_a_failure_is_one_line_and_no_document(tmp_path: Path) -> None:
    todoctl = CommandLine(tmp_path / "home")
    for words in (["status"], ["validate"], ["judge", "/dev/null"], ["up", "--port", "0"]):
        told = todoctl(*words, "--json", code=3 if len(words) == 1 else 2)
        assert told.stdout == ""
        assert told.stderr.count("\n") == 1


def changed(document: dict[str, object]) -> Iterator[dict[str, object]]:
    """The document with each of its fields missing, and with each of another type."""
    for key in document:
        without = copy.deepcopy(document)
        del without[key]
        yield without
        yield {**document, key: [["another type"]]}


def test_a_changed_document_is_refused() -> None:
    for name, text in re.findall(
        r"^`todoctl (\w+)[^`]*`\n\n```json\n(.*?)```", DOCUMENTED, re.MULTILINE | re.DOTALL
    ):
        document = json.loads(text)
        for other in changed(document):
            assert wrong(name, other), f"{name} with {other}"
        assert wrong(name, {**document, "more": 1}) == [], "fields may be added"
        assert wrong(name, {**document, "more": 1}, strict=True), "but not without a word in the schema"
