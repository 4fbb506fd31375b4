"""Every type, every field that says where a secret goes, every way of changing it."""

import hashlib
import json

import pytest
from msgspec.structs import replace

from keyturn.files.discovery import SourceFile
from keyturn.manifests.manifest import build_manifest
from keyturn.manifests.seal import Sealer, SealSubject, compute_expected_seal, verify_secrets
from keyturn.model.diagnostic import Severity
from keyturn.model.plan import PlanLimits
from keyturn.model.resource import EMPTY
from keyturn.model.secret import Secret
from keyturn.planning.destination_record import DestinationRules
from keyturn.planning.diff import compute_changes
from keyturn.planning.exposure import find_exposures
from keyturn.planning.guards import GuardContext, check_guards
from keyturn.planning.inputs import Approvals
from keyturn.schema.definitions import (
    config_fields,
    credential_types_of,
    is_destination,
    is_named_field,
    list_known_types,
    load_schema,
    load_type_schema,
)
from keyturn.yamldoc.reader import parse_document
from sample_resources import make_inputs, make_live_object, make_state_entry

RULES = DestinationRules(is_destination=is_destination, is_named=is_named_field)
WAYS = ("value", "added", "removed", "type")
SAMPLES = {
    "string": "one.example.com",
    "integer": 4711,
    "boolean": True,
    "array": ["one"],
    "object": {"one": "a"},
}
OTHERS = {
    "string": "two.example.com",
    "integer": 4712,
    "boolean": False,
    "array": ["two"],
    "object": {"one": "b"},
}
RETYPED = {
    "string": ["one.example.com"],
    "integer": ["4711"],
    "boolean": "no",
    "array": "one",
    "object": ["one"],
}


def kind_of(kind, name, field):
    """Return the JSON type of a field; what has none in the schema counts as text."""
    part = load_type_schema(kind, name)["properties"]["config"]["properties"][field]
    while "$ref" in part:
        part = {
            **load_schema(kind)["$defs"][part["$ref"].rpartition("/")[2]],
            **{k: v for k, v in part.items() if k != "$ref"},
        }
    found = part.get("type", "string")
    return found if isinstance(found, str) else found[0]


def cases(kind):
    """Return every type with every destination field of it."""
    return [
        (name, field)
        for name in list_known_types(kind)
        for field in config_fields(kind, name)
        if is_destination(kind, name, ("config", field))
    ]


def configs(kind, name, field, way):
    """Return a configuration before and after a field was changed in some way."""
    word = kind_of(kind, name, field)
    here, other, retyped = ({field: part[word]} for part in (SAMPLES, OTHERS, RETYPED))
    return {"value": (here, other), "added": ({}, here), "removed": (here, {}), "type": (here, retyped)}[way]


def desired(kind, name, config, secret="", **more):
    """Return a manifest as loading makes it, with its secret opened."""
    whole = {"kind": kind, "name": f"a-{kind}", "type": name, "config": config, **more}
    if secret:
        whole["secrets"] = {"password": "ENC[" + hashlib.sha256(secret.encode()).hexdigest() + "]"}
    data = json.dumps(whole).encode()
    source = SourceFile(None, f"{kind}.yaml", hashlib.sha256(data).hexdigest(), data)
    made = build_manifest(source, parse_document(data, source.relative)).desired
    return replace(made, secrets={path: Secret(secret) for path in made.secrets})


def breaches(*changed, agreed=()):
    """Return the codes that forbid a change: a manifest before and after, or pairs of them."""
    pairs = [each if isinstance(each, tuple) else changed[:2] for each in changed[1:]]
    applied = [make_state_entry(each, f"id-{each.address.name}", values(each)) for each, _ in pairs]
    prints = {each.address: {(path,): text[::-1] for path, text in values(each).items()} for _, each in pairs}
    inputs = make_inputs(
        *(each for _, each in pairs), *applied, *map(make_live_object, applied), fingerprints=prints
    )
    question = GuardContext(
        changes=find_exposures(compute_changes(inputs), inputs, RULES),
        inputs=inputs,
        approvals=Approvals(destinations=frozenset(agreed)),
        limits=PlanLimits(),
        users=EMPTY,
    )
    assert question.changes
    return {finding.code for finding in check_guards(question) if finding.severity is Severity.ERROR}


def values(each):
    """Return the secrets of a manifest as text."""
    return {path[0]: value.reveal() for path, value in each.secrets.items()}


@pytest.mark.parametrize(("name", "field"), cases("credential"))
def test_a_credentials_destination(name, field, canary):
    """Not sealed: refused. Sealed with the old secret: needs consent. With a new one: goes through."""
    old, new = canary(), canary()
    for way in WAYS:
        before, after = (
            desired("credential", name, config, old) for config in configs("credential", name, field, way)
        )
        stale = {("seal",): sealed(before), **after.secrets}
        assert [each.code for each in verify_secrets(after, stale, Severity.ERROR, Sealer())[1]] == [
            "KT251"
        ], way
        assert verify_secrets(after, stale | {("seal",): sealed(after)}, Severity.ERROR, Sealer())[1] == ()
        assert breaches(before, after) == {"KT451"}, way
        assert breaches(before, after, agreed=["another"]) == {"KT451"}
        assert breaches(before, after, agreed=["a-credential"]) == set(), way
        fresh = replace(after, secrets=dict.fromkeys(after.secrets, Secret(new)))
        assert breaches(before, fresh) == set(), way


def sealed(each):
    """Return the right seal of a manifest."""
    return Secret(compute_expected_seal(SealSubject(each.address, each.type, each.fields, each.origin)))


def credential_for(connector):
    """Return a type of credential that a connector takes."""
    return next(iter(credential_types_of(connector) or ("password",)), "password")


@pytest.mark.parametrize(("name", "field"), cases("connection"))
def test_a_connections_destination(name, field, canary):
    """Consent by the name of the credential or the connection; a new secret in the same change is none."""
    old = desired("credential", credential_for(name), {}, canary())
    new = replace(old, secrets=dict.fromkeys(old.secrets, Secret(canary())), digest="another")
    for way in WAYS:
        before, after = (
            desired("connection", name, config, credential="a-credential")
            for config in configs("connection", name, field, way)
        )
        assert breaches(before, after, (old, old)) == {"KT451"}, way
        assert breaches(before, after, (old, old), agreed=["a-credential"]) == set(), way
        assert breaches(before, after, (old, old), agreed=["a-connection"]) == set()
        assert breaches(before, after, (old, new)) == {"KT451"}, way
        assert breaches(before, after, (old, new), agreed=["a-credential"]) == set(), way


@pytest.mark.parametrize("field", ["port", "ssh_port"])
def test_a_number_as_text_is_the_same_place_and_another_seal(field, canary):
    """The service would take either, so nothing is exposed; but nobody with the key wrote it so."""
    before, after = (desired("credential", "database", {field: port}, canary()) for port in (5432, "5432"))
    stale = {("seal",): sealed(before), **after.secrets}
    assert [each.code for each in verify_secrets(after, stale, Severity.ERROR, Sealer())[1]] == ["KT251"]


def test_the_tables_leave_nothing_out():
    """Every type of credential whose configuration leads anywhere is in the table."""
    covered = {name for name, _ in cases("credential")}
    assert covered == set(list_known_types("credential")) - {"api_key", "password"}
    assert len(cases("credential")) > len(covered) * 2
    assert len({name for name, _ in cases("connection")}) > len(list_known_types("connection")) / 2
