"""Every connector, every field, every way to move it: what the service will hold decides.

The oracle is a small model of the service: it stores one object, and a PUT merges or replaces.
"""

import json
from dataclasses import dataclass
from itertools import product

import pytest

from keyturn.model.change import Action
from keyturn.model.fields import flatten_tree
from keyturn.planning import destination_record, exposure, prediction
from keyturn.planning.destination_record import DestinationRules
from keyturn.planning.diff import compute_changes
from keyturn.planning.exposure import find_exposures
from keyturn.schema.definitions import find_schema_folder, is_destination, is_named_field, list_known_types
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_fingerprints,
    make_inputs,
    make_live_object,
    make_state_entry,
)

ID = "cred_0123456789"
CREDENTIAL, CONNECTION = credential_address("prod-key"), connection_address("prod-link")
OLD, NEW = {"password": "p1"}, {"password": "p2"}
SCHEMA = json.loads((find_schema_folder() / "connection.schema.json").read_text(encoding="utf-8"))
PLAIN_TEXTS = {"http-path": ("/sql/one", "/sql/two"), "rate": ("10/s", "20/s")}
VALUES = {"boolean": (True, False), "integer": (4711, 4712), "array": (["one"], ["two"])}
EDITS = ("changed", "dropped", "added live", "changed live")


def fields_of(connector):
    """Return the schema of each config field, read from the file itself."""
    (branch,) = [
        each["then"]["$ref"].rpartition("/")[2]
        for each in SCHEMA["allOf"]
        if "then" in each
        and connector
        in (each["if"]["properties"]["type"].get("enum") or [each["if"]["properties"]["type"].get("const")])
    ]
    found = SCHEMA["$defs"][branch].get("properties", {}).get("config", {}).get("properties", {})
    return {
        name: {**SCHEMA["$defs"].get(node.get("$ref", "")[8:], {}), **node} for name, node in found.items()
    }


def values_of(node):
    """Return two values that a field accepts."""
    if "enum" in node:
        return node["enum"][0], node["enum"][1]
    if "x-plain" in node:
        return PLAIN_TEXTS.get(node["x-plain"], ("one", "two"))
    kind = node.get("type", "string")
    if kind == "object":
        return {"one": "a"}, {"one": "b"}
    return VALUES.get(kind, ("one", "two"))


@dataclass(frozen=True)
class Scene:
    """One field of a connector, edited in one way; with ``drops``, the manifest also drops the credential."""

    connector: str
    field: str
    values: tuple
    is_plain: bool
    edit: str
    merges: bool
    new_secret: bool
    drops: bool = False

    def configs(self):
        """Return the config on record, the live one and that of the manifest."""
        (before, after), base = self.values, {"note": "a"}
        with_field = {**base, self.field: before}
        record, live, manifest = {
            "changed": (with_field, with_field, {**base, self.field: after}),
            "dropped": (with_field, with_field, base),
            "added live": (base, with_field, base),
            "changed live": (with_field, {**base, self.field: after}, with_field),
        }[self.edit]
        return record, live, manifest

    def held_afterwards(self):
        """Return what the service can hold after a PUT of the manifest and of what else is live."""
        record, live, manifest = self.configs()
        sent = {**{key: value for key, value in live.items() if key not in record}, **manifest}
        merged = {**live, **sent}
        return [merged] if self.merges else [merged, sent]

    def expects_exposure(self):
        """Tell whether a secret would be carried to a place that is not on record."""
        record, live, manifest = self.configs()
        if self.is_plain:
            return False
        # A new secret goes to where the object is now, unless a pure revert of the edit runs first.
        is_reverted_first = self.edit == "changed live" and not self.drops
        reaches_live = self.new_secret and live != record and not is_reverted_first
        is_written = self.drops or any(manifest.get(key) != live.get(key) for key in {*record, *manifest})
        return reaches_live or (is_written and any(held != record for held in self.held_afterwards()))


def plan(scene):
    """Return the exposed paths that the product finds."""
    record, live, manifest = scene.configs()
    secrets = NEW if scene.new_secret else OLD
    key = make_desired(CREDENTIAL, {"username": "svc"}, secrets=OLD)
    known_key = make_state_entry(key, ID, OLD)
    link = make_desired(CONNECTION, record, uses="prod-key", type=scene.connector)
    observed = {("credential",): ID, **flatten_tree({"config": record})}
    known = make_state_entry(link, "conn_1", observed=observed)
    there = make_live_object(known, fields={("credential",): ID, **flatten_tree({"config": live})})
    inputs = make_inputs(
        make_desired(CREDENTIAL, {"username": "svc"}, secrets=secrets, digest="d2"),
        known_key,
        make_live_object(known_key),
        make_desired(
            CONNECTION, manifest, uses="" if scene.drops else "prod-key", type=scene.connector, digest="d2"
        ),
        known,
        there,
        fingerprints={CREDENTIAL: make_fingerprints(secrets)},
    )
    rules = DestinationRules(is_destination=is_destination, is_named=is_named_field, merges=scene.merges)
    changes = find_exposures(compute_changes(inputs), inputs, rules)
    assert all(change.action in {Action.UPDATE, Action.ROTATE} for change in changes)
    return {each.path[1] for change in changes for each in change.exposures if each.address == CREDENTIAL}


def scenes(connector, *, drops=False):
    """Return every scene of a connector."""
    table = {**fields_of(connector), "unheardOf": {}}
    if connector in {"postgres", "snowflake", "s3", "bigquery", "salesforce"}:
        del table["unheardOf"]
    for (name, node), edit, merges, new in product(table.items(), EDITS, (True, False), (True, False)):
        if "x-refers-to" not in node:
            is_plain = node.get("x-destination") is False
            yield Scene(connector, name, values_of(node), is_plain, edit, merges, new, drops)


def mismatches(connector, *, drops=False):
    """Return the scenes in which product and oracle disagree."""
    drawn = scenes(connector, drops=drops)
    return [each for each in drawn if bool(plan(each)) != each.expects_exposure()]


@pytest.mark.parametrize("drops", [False, True], ids=["credential kept", "credential dropped"])
@pytest.mark.parametrize("connector", list_known_types("connection"))
def test_what_the_service_will_hold_decides(connector, drops):
    """Product and model agree; a dropped credential counts as attached, because a PUT may leave it there."""
    assert mismatches(connector, drops=drops) == []


def test_the_scenes_tell_good_from_bad():
    """Both answers are frequent, and each edit has both."""
    answers = {(each.edit, each.expects_exposure()) for each in scenes("mysql")}
    assert answers >= {(edit, answer) for edit in EDITS for answer in (True, False)} - {
        ("changed live", True)
    }


def _predict_manifest(change, *, merges):  # noqa: ARG001
    return (change.desired.fields,)


BROKEN = {
    "only the manifest counts": (exposure, "predict_fields", _predict_manifest),
    "live users are not judged": (exposure, "_carries_secret", lambda _change: False),
    "a new secret approves": (
        exposure._ExposureAnalysis,
        "_is_planned",
        lambda self, credential, _change, _user: (
            exposure.has_secret_writes(self.changes[credential]) if credential in self.changes else False
        ),
    ),
    "each record approves": (
        destination_record.DestinationComparer,
        "find_differences",
        lambda _self, _predicted, _record, ignored=frozenset(): (),  # noqa: ARG005
    ),
    "a dropped field is gone": (
        destination_record.DestinationComparer,
        "_is_kept",
        lambda _self, path, predicted, _record: path not in predicted.fields,
    ),
    "no reference is found": (prediction.CredentialIndex, "find_references", lambda _self, _fields: {}),
}


@pytest.mark.parametrize("defect", BROKEN)
def test_a_broken_analysis_is_noticed(defect, monkeypatch):
    """Each defect makes product and oracle disagree."""
    monkeypatch.setattr(*BROKEN[defect])
    assert mismatches("mysql") != []
