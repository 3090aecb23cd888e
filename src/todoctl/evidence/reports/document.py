"""The verdict as one JSON document, and the schema of that."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from todoctl.evidence.reports import report
from todoctl.evidence.verdict import Verdict, VerdictDocument

BODY = {
    "description": "Text where it is UTF-8, else Base64.",
    "anyOf": [
        {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
        {
            "type": "object",
            "properties": {"base64": {"type": "string", "contentEncoding": "base64"}},
            "required": ["base64"],
        },
    ],
}


@report(".json")
def render(verdicts: Sequence[Verdict]) -> bytes:
    """Returns the document as text."""
    return (json.dumps(document(verdicts), indent=2) + "\n").encode()


def document(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Returns a verdict as plain values, or several under `apps`."""
    plain = [verdict.to_json() for verdict in verdicts]
    return plain[0] if len(plain) == 1 else {"apps": plain}


def schema() -> dict[str, Any]:
    """Returns the JSON Schema of `document`, made from the types."""
    (_, found), types = msgspec.json.schema_components([int, VerdictDocument], ref_template="#/$defs/{name}")
    types["History"]["properties"]["bodies"] |= {"additionalProperties": BODY}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:todoctl:schema:verdict",
        "title": "What todoctl validate and todoctl judge print with --json",
        "anyOf": [
            found,
            {
                "type": "object",
                "description": "The verdicts on several apps.",
                "properties": {"apps": {"type": "array", "items": found}},
                "required": ["apps"],
            },
        ],
        "$defs": types,
    }
