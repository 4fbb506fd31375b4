"""The seal of a manifest: every type, every field that it covers, every way of changing it."""

import copy

import pytest

from example_manifests import parse_example, read_examples
from keyturn.manifests.seal import (
    Sealer,
    SealSubject,
    build_seal_subject,
    check_empty_values,
    check_seal,
    check_seal_present,
    compute_expected_seal,
    resolve_seal_severity,
    verify_secrets,
)
from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import Severity
from keyturn.model.resource import EncryptedSecret
from keyturn.model.secret import Secret
from keyturn.policy.settings import PolicySettings
from keyturn.schema.definitions import list_known_types, select_sealed_paths, walk_config_leaves
from keyturn.yamldoc.reader import Document, SpanIndex
from manifest_folder import parse_manifest_text
from sample_resources import credential_address, make_desired

CREDENTIALS = [name for name in read_examples() if name.startswith("credentials/")]


def made(changed):
    """Return a document of a tree."""
    return Document("manifests/x.yaml", changed, "", SpanIndex(dict))


def digest_of(tree):
    """Return the digest of a manifest for its seal."""
    return compute_expected_seal(build_seal_subject(made(tree)))


def fields():
    """Yield every example's name with every path that its seal covers."""
    for name in CREDENTIALS:
        leaves = dict(walk_config_leaves(parse_example(name).get("config", {})))
        yield from (
            (name, path) for path in select_sealed_paths("credential", parse_example(name)["type"], leaves)
        )


def alter(value):
    """Return what a value may be changed to: more, less, another type, nothing, a list."""
    if isinstance(value, str):
        return [f"{value}x", value[:-1], f" {value}", [value], None, ""]
    if isinstance(value, int):
        return [value + 1, str(value), float(value), None]
    return [[], [*value, "x"], value[0], [*value, None]]


@pytest.mark.parametrize(("name", "path"), list(fields()))
def test_every_way_of_changing_a_covered_field_changes_the_seal(name, path):
    """Every type and variant of the examples, each of its fields: changed, removed, renamed, shifted."""
    right = digest_of(parse_example(name))
    *above, last = path
    changes = []
    for value in [
        *alter(dict(walk_config_leaves(parse_example(name)["config"]))[path]),
        "removed",
        "renamed",
    ]:
        changed = copy.deepcopy(parse_example(name))
        here = changed
        for key in above:
            here = here[key]
        old = here.pop(last)
        if value == "renamed":
            here[f"{last}_"] = old
        elif value != "removed":
            here[last] = value
        changes.append(digest_of(changed))
    assert right not in changes
    assert len(set(changes)) == len(changes)


def test_the_table_has_every_type_with_a_destination():
    """No type of credential whose config says where a secret goes is left out."""
    covered = {parse_example(name)["type"] for name, _ in fields()}
    assert covered == set(list_known_types("credential")) - {"api_key"}


@pytest.mark.parametrize("key", ["kind", "name", "type"])
def test_the_seal_covers_the_owner(key):
    """Another kind, name or type has another seal."""
    changed = parse_example(CREDENTIALS[0])
    changed[key] = "another"
    assert digest_of(changed) != compute_expected_seal(
        build_seal_subject(made(parse_example(CREDENTIALS[0])))
    )


@pytest.mark.parametrize("key", ["labels", "rotation", "lifecycle", "moved_from", "waive", "keep", "secrets"])
def test_the_seal_does_not_cover_other_fields(key):
    """Labels, age and secrets may change under the same seal."""
    changed = {**parse_example(CREDENTIALS[0]), key: {"new": "value"}}
    assert digest_of(changed) == compute_expected_seal(
        build_seal_subject(made(parse_example(CREDENTIALS[0])))
    )


def test_a_document_and_a_manifest_have_one_seal():
    """What is written by one is verified by the other."""
    read = made(parse_example("credentials/prod-postgres-reader"))
    what = build_seal_subject(read)
    assert what.address == Address("credential", "prod-postgres-reader")
    assert compute_expected_seal(what) == compute_expected_seal(build_seal_subject(read))


def test_an_invalid_document_has_a_seal():
    """A tampered file can be checked."""
    assert digest_of({"kind": ["x"], "config": "x"}).startswith("k1-")


def test_a_seal_matches_or_not(canary):
    """A mismatch is an integrity error that does not show the seal."""
    what = SealSubject(
        credential_address("x"), "database", {("config", "host"): "db"}, SourceLocation("m/x.yaml", 1, 1)
    )
    right = {("seal",): Secret(compute_expected_seal(what)), ("password",): Secret(canary())}
    assert check_seal(what, right, Sealer()) == check_seal(what, {}, Sealer()) == ()
    [finding] = check_seal(what, {**right, ("seal",): Secret(canary.add("k1-" + "ab" * 32))}, Sealer())
    assert (finding.code, finding.address, finding.severity) == (
        "KT251",
        credential_address("x"),
        Severity.ERROR,
    )


def test_a_verified_manifest_has_its_secrets(canary):
    """The seal is not among them."""
    secret = Secret(canary())
    desired = make_desired(credential_address("x"), secrets={"password": "unused"}, opened=False)
    right = Secret(
        compute_expected_seal(SealSubject(desired.address, desired.type, desired.fields, desired.origin))
    )
    opened, findings = verify_secrets(
        desired, {("password",): secret, ("seal",): right}, Severity.ERROR, Sealer()
    )
    assert (opened.secrets, findings) == ({("password",): secret}, ())
    assert isinstance(desired.secrets[("password",)], EncryptedSecret)


def test_errors_in_decrypted_secrets_are_reported(canary):
    """A missing seal, an empty secret, an unexpected field."""
    desired = make_desired(credential_address("x"), secrets={"password": "unused"}, opened=False)
    _, findings = verify_secrets(desired, {("password",): Secret("")}, Severity.WARNING, Sealer())
    assert [(each.code, each.severity) for each in findings] == [
        ("KT250", Severity.WARNING),
        ("KT253", Severity.ERROR),
    ]
    _, findings = verify_secrets(desired, {("other",): Secret(canary())}, Severity.ERROR, Sealer())
    assert [each.code for each in findings] == ["KT250", "KT252"]


def test_a_manifest_without_secrets_needs_no_seal():
    """There is nothing to bind."""
    desired = make_desired(credential_address("x"))
    assert verify_secrets(desired, {}, Severity.ERROR, Sealer())[1] == ()
    assert check_seal_present(parse_manifest_text("kind: credential\n"), Severity.ERROR) == ()
    assert check_seal_present(parse_manifest_text("secrets: {seal: s}\n"), Severity.ERROR) == ()
    assert check_seal_present(parse_manifest_text("secrets: [x]\n"), Severity.ERROR) == ()


def test_a_missing_seal_is_reported_without_a_key():
    """Its key is in plain text."""
    [finding] = check_seal_present(
        parse_manifest_text("kind: credential\nsecrets: {password: p}\n"), Severity.WARNING
    )
    assert (finding.code, finding.severity, str(finding.origin)) == (
        "KT250",
        Severity.WARNING,
        "manifests/x.yaml:2:1",
    )


def test_policy_sets_the_severity_of_a_missing_seal():
    """A warning by default."""
    assert resolve_seal_severity(PolicySettings()) is Severity.WARNING
    assert resolve_seal_severity(PolicySettings(seal="required")) is Severity.ERROR


def test_empty_values_are_reported_at_any_depth():
    """Where the MAC does not apply; not in the encrypted block or a plain file."""
    text = (
        "config: {host: '', tunnel: {port: null}, scopes: [x, {}]}\nlabels: {}\nproxy: []\n"
        "secrets: {password: ''}\n"
    )
    assert check_empty_values(parse_manifest_text(text)) == ()
    found = check_empty_values(parse_manifest_text(f"{text}sops: {{mac: ''}}\n"))
    assert {each.code for each in found} == {"KT255"}
    assert [each.message.partition(" ")[0] for each in found] == [
        "config.host",
        "config.tunnel.port",
        "config.scopes.1",
        "▒▒▒",
    ]
