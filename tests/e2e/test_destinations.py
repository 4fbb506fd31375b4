"""Every type, every field that says where a secret goes, every way of changing it."""

import hashlib
import json
from dataclasses import replace

import pytest

from corpus import manifests, tree
from keyturn.core.diff import diff
from keyturn.core.exposing import expose
from keyturn.core.guard import Question, guard
from keyturn.core.inputs import Consents
from keyturn.core.limits import Limits
from keyturn.core.resource import EMPTY
from keyturn.core.secret import Secret
from keyturn.load.definitions import config_fields, definition, leads, schema, takes, types
from keyturn.load.files import Source
from keyturn.load.manifest import manifest
from keyturn.load.nodes import read
from keyturn.load.seal import Bound, expected, verified
from keyturn.core.diagnostic import Severity
from making import held, shown, sides

WAYS = ("value", "added", "removed", "type")
SAMPLES = {"string": "one.example.com", "integer": 4711, "boolean": True, "array": ["one"], "object": {"one": "a"}}
OTHERS = {"string": "two.example.com", "integer": 4712, "boolean": False, "array": ["two"], "object": {"one": "b"}}
RETYPED = {"string": ["one.example.com"], "integer": "4711", "boolean": "true", "array": "one", "object": ["one"]}


def kind_of(kind, name, field):
    """Return the JSON type of a field; what has none in the schema counts as text."""
    part = definition(kind, name)["properties"]["config"]["properties"][field]
    while "$ref" in part:
        part = {**schema(kind)["$defs"][part["$ref"].rpartition("/")[2]], **{k: v for k, v in part.items() if k != "$ref"}}
    found = part.get("type", "string")
    return found if isinstance(found, str) else found[0]


def cases(kind):
    """Return every type with every destination field of it."""
    return [
        (name, field) for name in types(kind) for field in config_fields(kind, name) if leads(kind, name, ("config", field))
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
    source = Source(None, f"{kind}.yaml", hashlib.sha256(data).hexdigest(), data)
    made = manifest(source, read(data, source.relative)).desired
    return replace(made, secrets={path: Secret(secret) for path in made.secrets})


def breaches(before, after, *others, agreed=()):
    """Return the codes that forbid a change from ``before`` to ``after``; all of ``others`` stays."""
    applied = [held(each, f"id-{each.address.name}", _values(each)) for each in (before, *others)]
    inputs = sides(
        after, *others, *applied, *map(shown, applied),
        fingerprints={each.address: {path: value.reveal()[::-1] for path, value in each.secrets.items()} for each in (after, *others)},
    )  # fmt: skip
    changes = expose(diff(inputs), inputs, leads)
    assert changes
    consents = Consents(destinations=frozenset(agreed))
    question = Question(changes=changes, inputs=inputs, consents=consents, limits=Limits(), users=EMPTY)
    return {finding.code for finding in guard(question) if finding.severity is Severity.ERROR}


def _values(each):
    return {path[0]: value.reveal() for path, value in each.secrets.items()}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "field"), cases("credential"))
def test_a_credentials_destination(name, field, way, canary):
    """Not sealed: refused. Sealed with the old secret: needs consent. With a new one: goes through."""
    old, new = canary(), canary()
    configuration = configs("credential", name, field, way)
    before, after = (desired("credential", name, config, old) for config in configuration)
    stale = {("seal",): Secret(expected(Bound(before.address, name, before.fields, before.origin))), **after.secrets}
    assert [each.code for each in verified(after, stale, Severity.ERROR)[1]] == ["KT251"]
    fresh = stale | {("seal",): Secret(expected(Bound(after.address, name, after.fields, after.origin)))}
    assert verified(after, fresh, Severity.ERROR)[1] == ()
    assert breaches(before, after) == {"KT451"}
    assert breaches(before, after, agreed=["another"]) == {"KT451"}
    assert breaches(before, after, agreed=["a-credential"]) == set()
    assert breaches(before, desired("credential", name, configuration[1], new)) == set()


def credential_for(connector):
    """Return a type of credential that a connector takes."""
    return next(iter(takes(connector) or ("password",)), "password")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "field"), cases("connection"))
def test_a_connections_destination(name, field, way, canary):
    """The secret behind it stays: consent by the name of either. A new secret in the same change: none."""
    configuration = configs("connection", name, field, way)
    old, new = canary(), canary()
    secret = desired("credential", credential_for(name), {}, old)
    before, after = (desired("connection", name, config, credential="a-credential") for config in configuration)
    assert breaches(before, after, secret) == {"KT451"}
    assert breaches(before, after, secret, agreed=["a-credential"]) == set()
    assert breaches(before, after, secret, agreed=["a-connection"]) == set()
    turned = desired("credential", credential_for(name), {}, new)
    applied = [held(before, "id-n"), held(secret, "id-a-credential", _values(secret))]
    inputs = sides(after, turned, *applied, *map(shown, applied), fingerprints={turned.address: {("password",): new[::-1]}})
    assert [each for change in expose(diff(inputs), inputs, leads) for each in change.exposures] == []


def test_the_tables_leave_nothing_out():
    """Every type of credential whose configuration leads anywhere is in the table, and so is every example's."""
    covered = {name for name, _ in cases("credential")}
    assert covered == set(types("credential")) - {"api_key", "password"}
    used = {tree(name)["type"] for name in manifests() if name.startswith("connections/")}
    assert used <= {name for name, _ in cases("connection")} | {name for name in types("connection") if not any(leads("connection", name, ("config", each)) for each in config_fields("connection", name))}
