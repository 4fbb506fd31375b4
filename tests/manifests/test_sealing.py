"""Seals of a workspace with a key: only a key holder can compute one."""

import pytest
from msgspec.structs import replace

from keyturn.manifests.seal import Sealer, SealSubject, check_seal, compute_expected_seal, verify_secrets
from keyturn.manifests.seal_review import SealStatus, reject_broken_seal, review_seal
from keyturn.manifests.sealing import SealerCache
from keyturn.model.address import Address, SourceLocation
from keyturn.model.diagnostic import DiagnosticError, Severity
from keyturn.model.resource import DesiredResource
from keyturn.model.secret import Secret
from keyturn.project.project import read_project
from keyturn.trust.signing import SigningKey
from sops_files import parse_text

KEYED = Sealer("prod", SigningKey(bytes(range(32))))
SUBJECT = SealSubject(
    Address("credential", "prod-db"),
    "database",
    {("config", "host"): "db.example.com"},
    SourceLocation("x.yaml"),
)
TEXT = """kind: credential
name: prod-db
type: database
config: {host: HOST}
secrets: {password: "ENC[x]", seal: "ENC[x]"}
sops: {}
"""
OTHERS = [
    Sealer(),
    Sealer("staging", KEYED.signing_key),
    Sealer("prod", SigningKey(bytes(32))),
]


def test_a_signed_seal_is_valid_for_one_key_workspace_and_destination():
    """Neither a digest nor another signature matches."""
    right = {("seal",): KEYED.compute_seal(SUBJECT)}
    assert check_seal(SUBJECT, right, KEYED) == ()
    for other in OTHERS:
        assert [
            each.code for each in check_seal(SUBJECT, {("seal",): other.compute_seal(SUBJECT)}, KEYED)
        ] == ["KT251"]
        assert [each.code for each in check_seal(SUBJECT, right, other)] == ["KT251"]
    moved = replace(SUBJECT, fields={("config", "host"): "evil.example.net"})
    assert [each.code for each in check_seal(moved, right, KEYED)] == ["KT251"]


def test_a_digest_is_said_to_be_unsigned():
    """Everybody can compute it; the message differs from that of another destination."""
    digest = {("seal",): Secret(compute_expected_seal(SUBJECT))}
    (found,) = check_seal(SUBJECT, digest, KEYED)
    assert "is not signed by the key of the workspace" in found.message


def test_a_missing_seal_is_an_error_in_a_workspace_with_a_key(canary):
    """No policy lowers it."""
    desired = DesiredResource(
        address=SUBJECT.address, type="database", fields=SUBJECT.fields, secrets={("password",): Secret("x")},
        ciphertext_digests={}, digest="", origin=SUBJECT.origin,
    )  # fmt: skip
    opened = {("password",): Secret(canary())}
    severities = {
        sealer: [each.severity for each in verify_secrets(desired, opened, Severity.WARNING, sealer)[1]]
        for sealer in (Sealer(), KEYED)
    }
    assert severities == {Sealer(): [Severity.WARNING], KEYED: [Severity.ERROR]}


@pytest.mark.parametrize(
    ("sealer", "host", "status"),
    [
        (KEYED, "db.example.com", SealStatus.VALID),
        (KEYED, "evil.example.net", SealStatus.BROKEN),
        (Sealer(), "db.example.com", SealStatus.UNSIGNED),
        (Sealer(), "evil.example.net", SealStatus.BROKEN),
        (OTHERS[1], "db.example.com", SealStatus.BROKEN),
        (OTHERS[2], "db.example.com", SealStatus.BROKEN),
    ],
)
def test_a_review_accepts_only_a_seal_of_the_key(sealer, host, status):
    """`secret set` writes nothing into a file whose seal a key holder did not make."""
    seal = sealer.compute_seal(SUBJECT)
    review = review_seal(parse_text(TEXT.replace("HOST", host)), KEYED, lambda *_: seal, tuple)
    assert review.status is status
    if status is SealStatus.VALID:
        reject_broken_seal(review)
    else:
        with pytest.raises(DiagnosticError):
            reject_broken_seal(review)


def test_a_removed_seal_is_broken_if_the_destination_moved(source_file):
    """Whoever removes the seal cannot have the next secret sealed for another host in passing."""
    sealed = source_file(TEXT.replace("HOST", "db.example.com"))
    for host, status in (("db.example.com", SealStatus.MISSING), ("evil.example.net", SealStatus.BROKEN)):
        text = TEXT.replace("HOST", host).replace(', seal: "ENC[x]"', "")
        review = review_seal(parse_text(text), KEYED, lambda *_: Secret(""), lambda: (sealed,))
        assert review.status is status
        assert (status is SealStatus.BROKEN) is (
            "config.host: db.example.com → evil.example.net" in review.moves
        )


@pytest.fixture
def source_file(tmp_path):
    """Return a function that makes a committed version of a file."""
    from hashlib import sha256  # noqa: PLC0415

    from keyturn.files.discovery import SourceFile  # noqa: PLC0415

    return lambda text: SourceFile(tmp_path, "x.yaml", sha256(text.encode()).hexdigest(), text.encode())


def test_a_workspace_without_a_key_has_digests(tmp_path):
    """Nothing is decrypted; a file of no workspace has a digest, too."""
    (tmp_path / "keyturn.yaml").write_text(
        "version: 1\nworkspaces:\n  prod:\n    base_url: https://a.example\n    organization: o\n"
        "    api_key: {env: X}\n    manifests: [manifests]\n"
    )
    sealers = SealerCache(read_project(tmp_path), {})
    assert sealers.find_sealer("manifests/a.yaml") == Sealer()
    assert sealers.find_sealer("other/a.yaml") == Sealer()
    sealers.add_sealer(KEYED)
    assert sealers.find_sealer("manifests/a.yaml") is KEYED
