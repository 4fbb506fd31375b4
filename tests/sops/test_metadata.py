"""SOPS metadata."""

import pytest

from keyturn.sops.metadata import SopsMetadata, parse_metadata
from sops_files import encrypt_manifest, parse_text

_KINDS = {
    "pgp": "- fp: ABCD",
    "kms": "- arn: arn:aws:kms:eu-1:1:key/x\n  role: r\n  aws_profile: ''",
    "gcp_kms": "- resource_id: projects/x",
    "azure_kv": "- vault_url: https://v.example\n  name: k\n  version: v1",
    "hc_vault": "- vault_address: https://v.example\n  engine_path: e\n  key_name: k",
    "hckms": "- key_id: k",
}
_NAMES = {
    "pgp": "ABCD",
    "kms": "arn:aws:kms:eu-1:1:key/x",
    "gcp_kms": "projects/x",
    "azure_kv": "https://v.example",
    "hc_vault": "https://v.example",
    "hckms": "k",
}


@pytest.fixture(scope="module")
def text(age_key):
    """Return an encrypted manifest."""
    return encrypt_manifest(age_key, {"password": "x"})


def _block(kind):
    lines = [*_KINDS[kind].split("\n"), "  created_at: '2024-01-01T00:00:00Z'", "  enc: x"]
    return f"    {kind}:\n" + "".join(f"        {line}\n" for line in lines)


def test_parses_a_real_file(text, age_key):
    """Recipients, selector, version and MAC are read."""
    found = parse_metadata(parse_text(text))
    assert isinstance(found, SopsMetadata)
    (recipient,) = found.recipients
    assert (recipient.kind, recipient.name, recipient.server) == ("age", age_key.recipient, "")
    assert recipient.path == ("sops", "age", "0")[1:]
    assert "BEGIN AGE ENCRYPTED FILE" in recipient.wrapped_key
    assert (found.selector, found.pattern, found.key_group_count) == ("encrypted_regex", "^secrets$", 1)
    assert found.version >= (3, 9, 0)
    assert found.mac.startswith("ENC[")


@pytest.mark.parametrize("kind", _KINDS)
def test_parses_every_key_type(text, kind):
    """Each key type has a public name; two of them have a server."""
    found = parse_metadata(parse_text(text.replace("    lastmodified", _block(kind) + "    lastmodified")))
    named = {recipient.kind: recipient for recipient in found.recipients}
    assert named[kind].name == _NAMES[kind]
    assert named[kind].server == (_NAMES[kind] if kind in ("azure_kv", "hc_vault") else "")


@pytest.mark.parametrize(
    "filler", ["kms: []", "pgp: null", "gcp_kms: []\n    hc_vault: []", "key_groups: []"]
)
def test_accepts_empty_entries_of_older_versions(text, filler):
    """Empty lists and nulls of sops before 3.10 count as absent."""
    found = parse_metadata(parse_text(text.replace("    lastmodified", f"    {filler}\n    lastmodified")))
    assert len(found.recipients) == 1


def test_parses_key_groups(text):
    """The recipients of all groups are found with their paths."""
    age, _, rest = text.partition("sops:\n")[2].partition("    lastmodified")
    groups = "    key_groups:\n" + 2 * (
        "        - " + age.replace("    age:\n", "age:\n").replace("\n", "\n      ").rstrip(" ")
    )
    found = parse_metadata(
        parse_text(text.partition("sops:\n")[0] + "sops:\n" + groups + "    lastmodified" + rest)
    )
    assert isinstance(found, SopsMetadata), found
    assert found.key_group_count == 2
    assert [recipient.path for recipient in found.recipients] == [
        ("key_groups", "0", "age", "0"),
        ("key_groups", "1", "age", "0"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    lastmodified", "    macs: x\n    lastmodified", "sops.macs is not a known key"),
        ("    lastmodified", "    kms: x\n    lastmodified", "sops.kms is not a list"),
        ("    lastmodified", "    pgp: ''\n    lastmodified", "sops.pgp is not a list"),
        ("    lastmodified", "    pgp: [x]\n    lastmodified",
        "an entry of sops.pgp is malformed"),
        ("    lastmodified", "    mac_only_encrypted: 1\n    lastmodified",
        "sops.mac_only_encrypted must be true or false"),
        ("    lastmodified", "    shamir_threshold: x\n    lastmodified",
        "sops.shamir_threshold is not a number"),
        ("    lastmodified", "    encrypted_suffix: x\n    lastmodified", "sops has more than one selector"),
        ("    lastmodified", "    key_groups: x\n    lastmodified", "sops.key_groups is malformed"),
        ("recipient:", "recipients:", "an entry of sops.age is malformed"),
        ("version: 3", "version: 03", "sops.version is not a version"),
        ("version: 3", "version: v3", "sops.version is not a version"),
        ('lastmodified: "2', 'lastmodified: "x2', "sops.lastmodified is not a timestamp of sops"),
        ('Z"\n    mac', '+00:00"\n    mac', "sops.lastmodified is not a timestamp of sops"),
    ],
)  # fmt: skip
def test_rejects_unknown_content(text, old, new, message):
    """Unknown keys, wrong types and other notations are errors."""
    assert old in text
    found = parse_metadata(parse_text(text.replace(old, new, 1)))
    assert [finding.code for finding in found] == ["KT202"] * len(found)
    assert message in [finding.message for finding in found]


def test_reports_a_missing_mac_and_missing_recipients(text):
    """A missing MAC has its own code."""
    lines = text.split("\n")
    bare = "\n".join(line for line in lines if not line.startswith("    mac:"))
    assert [finding.code for finding in parse_metadata(parse_text(bare))] == ["KT203"]
    none = (
        text.partition("sops:")[0] + "sops: {mac: x, version: 3.9.0, lastmodified: '2024-01-01T00:00:00Z'}\n"
    )
    assert [finding.message for finding in parse_metadata(parse_text(none))] == [
        "the sops: block has no recipients"
    ]
    assert parse_metadata(parse_text("a: 1\nsops: x\n"))[0].code == "KT202"
