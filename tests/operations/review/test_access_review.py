"""The access review, from what two sides say."""

import pytest
from msgspec.structs import replace

from in_process_run import PROJECT
from keyturn.model.diagnostic import Severity
from keyturn.model.plan import Plan
from keyturn.operations.review.access_review import (
    add_access_diagnostics,
    guarded_setting_changes,
    recipient_changes,
)
from keyturn.project.project import parse_project
from keyturn.sops.recipients import FileRecipients

CIPHERS = frozenset({(("secrets", "password"), "ENC[1]")})
OTHERS = frozenset({(("secrets", "password"), "ENC[2]")})


def file(*names, ciphers=CIPHERS, wrap="w"):
    """Return the recipients of a file."""
    return FileRecipients(
        names=frozenset(names), wrapped_keys=dict.fromkeys(names, wrap), ciphertexts=ciphers
    )


def lines(before, after):
    """Return code, file and first word of each diagnostic."""
    return [
        (each.code, each.origin.file, each.message.partition(" ")[0])
        for each in recipient_changes(before, after)
    ]


def test_unchanged_recipients_have_no_diagnostics():
    """Same file, same recipients."""
    assert lines({"a": file("x")}, {"a": file("x")}) == []


def test_an_added_recipient_gains_access():
    """With the same and with a new data key."""
    assert ("KT480", "a", "y") in lines({"a": file("x")}, {"a": file("x", "y")})
    assert lines({"a": file("x")}, {"a": file("x", "y", ciphers=OTHERS)}) == [("KT480", "a", "y")]


def test_a_removed_recipient_keeps_the_data_key():
    """`sops updatekeys` does not replace the data key."""
    assert ("KT481", "a", "y") in lines({"a": file("x", "y")}, {"a": file("x")})
    assert lines({"a": file("x", "y")}, {"a": file("x", ciphers=OTHERS)}) == [("KT482", "a", "y")]


def test_a_rewrapped_data_key_is_a_note():
    """Secrets and recipients did not change."""
    (line,) = recipient_changes({"a": file("x")}, {"a": file("x", wrap="other")})
    assert (line.code, line.severity) == ("KT484", Severity.NOTE)


def test_known_recipients_of_a_new_file_have_no_diagnostics():
    """Only recipients that could decrypt no file before count as added."""
    assert lines({"a": file("x")}, {"b": file("x")}) == []
    assert lines({"a": file("x")}, {"b": file("x", "y")}) == [("KT480", "b", "y")]


def test_a_removed_file_has_no_diagnostics():
    """No recipient gains access."""
    assert lines({"a": file("x")}, {}) == []


@pytest.mark.parametrize(
    ("setting", "old", "new"),
    [
        ("workspaces.prod.base_url", "http://127.0.0.1:9", "http://127.0.0.1:10"),
        ("workspaces.prod.organization", "ORGANIZATION", "ANOTHER"),
        ("workspaces.prod.api_key", "PLANASONIX_API_KEY", "ANOTHER"),
        ("workspaces.prod.manifests", "[manifests]", "[more]"),
        ("decryptor", "version: 1\n", "version: 1\ndecryptor: sops\n"),
        ("policy.seal", "version: 1\n", "version: 1\npolicy: {seal: required}\n"),
        ("policy.key_types", "version: 1\n", "version: 1\npolicy: {key_types: [age, pgp, kms]}\n"),
    ],
)
def test_a_changed_security_setting_is_named(tmp_path, setting, old, new):
    """By its path in keyturn.yaml, never by its value."""
    before, after = (parse_project(text.encode(), tmp_path) for text in (PROJECT, PROJECT.replace(old, new)))
    (found,) = guarded_setting_changes(before, after, rules_changed=False)
    assert (found.code, found.message) == ("KT483", f"this change modifies {setting}")
    assert guarded_setting_changes(before, before, rules_changed=False) == ()
    assert guarded_setting_changes(None, after, rules_changed=True) == ()


def test_changed_creation_rules_are_named(tmp_path):
    """They set the recipients of new files."""
    project = parse_project(PROJECT.encode(), tmp_path)
    (line,) = guarded_setting_changes(project, project, rules_changed=True)
    assert line.origin.file == ".sops.yaml"


def test_notes_are_added_to_the_diagnostics():
    """The access section has warnings only."""
    gained, note = recipient_changes({"a": file("x")}, {"a": file("x", "y", wrap="v")})
    plan = add_access_diagnostics(Plan(workspace="w", organization="o", changes=()), (gained, note))
    assert plan.access_changes == (gained,)
    assert plan.diagnostics == (note,)
    assert add_access_diagnostics(plan, ()) == replace(plan, access_changes=())


def split(threshold, *groups):
    """Return the recipients of a file with key groups."""
    names = [name for group in groups for name in group]
    return replace(file(*names), groups=tuple(map(frozenset, groups)), threshold=threshold)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (split(2, "a", "b"), split(1, "ab"), "any one of a, b; at the base, 2 of 2 key groups (a | b)"),
        (split(2, "a", "b"), split(1, "a", "b"), "1 of 2 key groups (a | b); at the base, 2 of 2"),
        (split(2, "a", "b"), split(2, "a", "b", "a"), "2 of 3 key groups (a | a | b); at the base, 2 of 2"),
        (split(2, "a", "bc"), split(2, "ab", "c"), "2 of 2 key groups (a, b | c); at the base"),
        (split(1, "a"), split(2, "a", "a"), "2 of 2 key groups (a | a); at the base, any one of a"),
    ],
)
def test_a_change_of_the_needed_keys_is_named(before, after, shown):
    """By the number of groups and their recipients, before and after."""
    (found,) = [each for each in recipient_changes({"m": before}, {"m": after}) if each.code == "KT487"]
    assert shown in found.message
    assert found.severity is Severity.WARNING


def test_unchanged_key_groups_have_no_diagnostics():
    """The order of groups does not count; one group has only recipients."""
    assert lines({"m": split(2, "a", "bc")}, {"m": split(2, "bc", "a")}) == []
    assert ("KT487", "m", "the") not in lines({"m": split(1, "a")}, {"m": split(1, "ab")})


def test_a_new_recipient_of_a_split_file_needs_others():
    """One key of two does not decrypt."""
    found = recipient_changes({"m": split(2, "a", "b")}, {"m": split(2, "ac", "b")})
    assert [each.code for each in found][:2] == ["KT480", "KT487"]
    assert found[0].message == "c now has one of the 2 keys that are needed"
