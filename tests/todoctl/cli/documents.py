"""The schemas of docs/json.md."""

import json
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS = files("todoctl").joinpath("schemas")
NAMES = sorted(path.name.removesuffix(".json") for path in SCHEMAS.iterdir())


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SCHEMAS.joinpath(f"{name}.json").read_text())
    return found


def closed(plain: object) -> Any:  # noqa: ANN401 - JSON
    """The schema with every property required, and no other allowed: what todoctl itself has to keep."""
    if isinstance(plain, list):
        return [closed(one) for one in plain]
    if not isinstance(plain, dict):
        return plain
    made = {key: closed(value) for key, value in plain.items()}
    if isinstance(plain.get("properties"), dict):
        made |= {"required": list(plain["properties"]), "additionalProperties": False}
    return made


def wrong(name: str, document: object, *, strict: bool = False) -> list[str]:
    """What the schema has against `document`."""
    held = closed(schema(name)) if strict else schema(name)
    return [error.message for error in Draft202012Validator(held).iter_errors(document)]


def check(name: str, text: str) -> dict[str, Any]:
    """The one document in `text`, which has just what its schema says."""
    document: dict[str, Any] = json.loads(text)
    assert wrong(name, document) == []
    assert wrong(name, document, strict=True) == [], "a field that is not documented, or one that is missing"
    return document
