from __future__ import annotations

import base64
import functools
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import jsonschema
import msgspec
import pytest

from trueup.findings import RunResult
from trueup.reports import render
from trueup.rules import registry

SCHEMA = Path(__file__).parent / "data" / "sarif-schema-2.1.0.json"


@functools.cache
def validator() -> jsonschema.Draft4Validator:
    return jsonschema.Draft4Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def sarif_run(result: RunResult) -> dict[str, Any]:
    """The one run of the log, which must be valid."""
    log = json.loads(render("sarif", result))
    validator().validate(log)
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run: dict[str, Any] = log["runs"][0]
    return run


@pytest.mark.parametrize("name", ["clean", "small", "hostile", "many"])
def test_every_run_is_valid_sarif(name: str, request: pytest.FixtureRequest) -> None:
    result: RunResult = request.getfixturevalue(name)
    assert len(sarif_run(result)["results"]) == len(result.findings) + len(result.suppressed)


def test_the_official_schema_refuses(small: RunResult) -> None:
    log = json.loads(render("sarif", small))
    del log["runs"][0]["tool"]
    assert not validator().is_valid(log)


def test_a_result(small: RunResult) -> None:
    run = sarif_run(small)
    assert run["columnKind"] == "unicodeCodePoints"
    result = run["results"][1]
    rule = run["tool"]["driver"]["rules"][result.pop("ruleIndex")]
    assert result == {
        "ruleId": "links/missing-file",
        "level": "error",
        "message": {
            "text": "docs/instal.md is not in the repository\nReaders who follow it get a 404.\nSuggestion: install.md"
        },
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "docs/guide.md", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 12, "startColumn": 5, "endLine": 12, "endColumn": 14},
                }
            }
        ],
        "partialFingerprints": {"trueup/v1": small.findings[1].fingerprint},
        "fixes": [
            {
                "description": {"text": "install.md"},
                "artifactChanges": [
                    {
                        "artifactLocation": {"uri": "docs/guide.md", "uriBaseId": "%SRCROOT%"},
                        "replacements": [
                            {
                                "deletedRegion": {"byteOffset": 100, "byteLength": 9},
                                "insertedContent": {"binary": base64.b64encode(b"install.md").decode()},
                            }
                        ],
                    }
                ],
            }
        ],
    }
    assert rule == {
        "id": "links/missing-file",
        "shortDescription": {"text": "A link leads to a file that is not in the repository"},
        "fullDescription": {"text": "Readers who follow it get a 404."},
        "help": {
            "text": "Readers who follow it get a 404. `trueup explain links/missing-file` tells more.",
            "markdown": "Readers who follow it get a 404.\n\n`trueup explain links/missing-file` tells more.",
        },
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["links"]},
    }


def test_all_rules_are_described(clean: RunResult) -> None:
    assert [rule["id"] for rule in sarif_run(clean)["tool"]["driver"]["rules"]] == list(registry())


def test_a_finding_of_a_whole_file_has_no_region(small: RunResult) -> None:
    location = sarif_run(small)["results"][3]["locations"][0]["physicalLocation"]
    assert location == {"artifactLocation": {"uri": "docs/latest", "uriBaseId": "%SRCROOT%"}}


@pytest.mark.parametrize(("by", "kind"), [("config", "external"), ("baseline", "external"), ("comment", "inSource")])
def test_suppressed_results_say_how(small: RunResult, by: str, kind: str) -> None:
    suppressed = [msgspec.structs.replace(small.suppressed[0], by=by)]
    results = sarif_run(msgspec.structs.replace(small, suppressed=suppressed))["results"]
    assert [result.get("suppressions") for result in results] == [
        *[None] * 4,
        [{"kind": kind, "justification": "made by the build"}],
    ]


def test_notes_are_notifications(small: RunResult) -> None:
    assert sarif_run(small)["invocations"] == [
        {
            "executionSuccessful": True,
            "toolExecutionNotifications": [
                {
                    "level": "note",
                    "message": {"text": "a submodule is not checked out: 3 links into it not checked"},
                    "locations": [
                        {"physicalLocation": {"artifactLocation": {"uri": "third_party/x", "uriBaseId": "%SRCROOT%"}}}
                    ],
                }
            ],
        }
    ]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("{0} and {{ site }}", "{{0}} and {{{{ site }}}}"),
        (r"[a\b](c) holds", r"\[a\\b\](c) holds"),
        (r"label [a] is not defined, nor x\y", r"label [a] is not defined, nor x\y"),
    ],
)
def test_a_message_holds_no_placeholder_and_no_link(small: RunResult, message: str, text: str) -> None:
    changed = msgspec.structs.replace(small.findings[0], message=message, reason="", suggestion=None)
    assert sarif_run(msgspec.structs.replace(small, findings=[changed]))["results"][0]["message"] == {"text": text}


def test_a_rule_that_the_registry_lacks_is_named(small: RunResult) -> None:
    other = [msgspec.structs.replace(small.findings[0], rule="other/rule")]
    run = sarif_run(msgspec.structs.replace(small, findings=other))
    assert run["tool"]["driver"]["rules"][run["results"][0]["ruleIndex"]] == {"id": "other/rule"}


def test_hostile_text_is_shown_and_the_path_is_exact(hostile: RunResult) -> None:
    document = render("sarif", hostile)
    document.encode()
    assert set(document) & set("\x1b\x07\x9b\x00\u202e\u2066\u2028\r") == set()
    assert "##[" not in document
    result = sarif_run(hostile)["results"][0]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert unquote_to_bytes(uri) == hostile.findings[0].path.encode("utf-8", "surrogateescape")
    assert set(result["message"]["text"]) & set("\x1b\x00\u202e\udcff") == set()
