"""Whether a seal holds, and what changed since the last sealed version."""

import pytest

from keyturn.files.discovery import SourceFile
from keyturn.manifests.seal import Sealer, build_seal_subject, compute_expected_seal
from keyturn.manifests.seal_review import SealStatus, build_broken_seal_error, reject_broken_seal, review_seal
from keyturn.model.diagnostic import Cause, DiagnosticError
from keyturn.model.secret import Secret
from sops_files import parse_text

TEXT = """\
kind: credential
name: prod-db
type: database
labels: {owner: data}
config: {engine: postgresql, host: db.example.com, port: 5432, password_hint: x, username: svc}
secrets: {password: ENC, seal: ENC}
sops: {}
"""


def review(text, *versions, sealed=TEXT):
    """Review a file whose seal is that of ``sealed``."""
    files = [SourceFile(None, "m.yaml", "", version.encode()) for version in versions]
    seal = Secret(compute_expected_seal(build_seal_subject(parse_text(sealed))))
    return review_seal(parse_text(text), Sealer(), lambda *_: seal, lambda: files)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (TEXT, SealStatus.VALID),
        (TEXT.replace("owner: data", "owner: other"), SealStatus.VALID),
        (TEXT.replace("5432", "5433"), SealStatus.BROKEN),
        (TEXT.replace("name: prod-db", "name: prod-d"), SealStatus.BROKEN),
        (TEXT.replace(", seal: ENC", ""), SealStatus.MISSING),
        (TEXT.replace("secrets: {password: ENC, seal: ENC}\n", ""), SealStatus.MISSING),
        (TEXT.replace("sops: {}\n", ""), SealStatus.NOT_ENCRYPTED),
    ],
)
def test_each_status(text, status):
    """Labels are not sealed; name and destination are."""
    assert review(text).status is status


def test_the_changes_are_those_since_the_sealed_version():
    """Damaged and later versions are passed over; absent fields and the name are named."""
    now = TEXT.replace("db.example", "evil.example").replace(", port: 5432", "").replace("prod-db", "prod-d")
    versions = (now, "a: [", TEXT.replace("5432", "1"), TEXT, TEXT)
    assert review(now, *versions).moves == (
        "name: prod-db → prod-d",
        "config.host: db.example.com → evil.example.com",
        "config.port: 5432 → (absent)",
    )


def test_a_value_that_may_be_a_secret_is_hidden():
    """A field with the name of a secret."""
    now = TEXT.replace("engine: postgresql", "engine: postgresql, api_token: moon")
    assert review(now, TEXT).moves == ("config.api_token: (absent) → (hidden)",)


def test_the_error_says_what_changed_and_how_to_go_on():
    """Or the present destination, if git does not have the sealed one."""
    now = TEXT.replace("db.example", "evil.example")
    known, unknown = build_broken_seal_error(review(now, TEXT)), build_broken_seal_error(review(now))
    assert known.message == (
        "the destination changed after the last seal: config.host: db.example.com → evil.example.com"
    )
    assert unknown.message.startswith(
        "the seal is for another destination or workspace, which is not in git history; now: "
    )
    assert "config.host: evil.example.com" in unknown.message
    assert "`keyturn seal prod-db --reason TEXT`" in known.hint
    assert known.cause is Cause.TAMPERING


def test_only_a_broken_seal_is_refused():
    """A missing one is written."""
    reject_broken_seal(review(TEXT))
    reject_broken_seal(review(TEXT.replace(", seal: ENC", "")))
    with pytest.raises(DiagnosticError):
        reject_broken_seal(review(TEXT.replace("5432", "5433")))
