"""The access review, from what two sides say."""

import pytest
from msgspec.structs import replace

from keyturn.model.diagnostic import Severity
from keyturn.model.plan import Plan
from keyturn.operations.plan.access_review import (
    add_access_diagnostics,
    guarded_setting_changes,
    recipient_changes,
)
from keyturn.project.project import parse_project
from keyturn.sops.recipients import FileRecipients
from stagehand import PROJECT

CIPHERS = frozenset({(("secrets", "password"), "ENC[1]")})
OTHERS = frozenset({(("secrets", "password"), "ENC[2]")})


def file(*names, ciphers=CIPHERS, wrap="w"):
    """Return what is known of a file."""
    return FileRecipients(frozenset(names), dict.fromkeys(names, wrap), ciphers)


def lines(before, after):
    """Return code, file and first word of every line."""
    return [
        (each.code, each.origin.file, each.message.partition(" ")[0])
        for each in recipient_changes(before, after)
    ]


def test_nothing_moved():
    """No line."""
    assert lines({"a": file("x")}, {"a": file("x")}) == []


def test_who_is_added_gains():
    """Whatever became of the data key."""
    assert ("KT480", "a", "y") in lines({"a": file("x")}, {"a": file("x", "y")})
    assert lines({"a": file("x")}, {"a": file("x", "y", ciphers=OTHERS)}) == [("KT480", "a", "y")]


def test_who_is_removed_without_a_new_data_key_still_reads():
    """`updatekeys` alone takes nothing from whoever had it."""
    assert ("KT481", "a", "y") in lines({"a": file("x", "y")}, {"a": file("x")})
    assert lines({"a": file("x", "y")}, {"a": file("x", ciphers=OTHERS)}) == [("KT482", "a", "y")]


def test_wrapped_again_is_a_note():
    """The same secrets under the same readers."""
    (line,) = recipient_changes({"a": file("x")}, {"a": file("x", wrap="other")})
    assert (line.code, line.severity) == ("KT484", Severity.NOTE)


def test_in_a_new_file_only_strangers_count():
    """A rename or an addition for people who could decrypt before is no news."""
    assert lines({"a": file("x")}, {"b": file("x")}) == []
    assert lines({"a": file("x")}, {"b": file("x", "y")}) == [("KT480", "b", "y")]


def test_a_file_that_goes_is_no_news():
    """Nobody gains by it."""
    assert lines({"a": file("x")}, {}) == []


@pytest.mark.parametrize(
    ("word", "old", "new"),
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
def test_settings_that_guard_are_named(tmp_path, word, old, new):
    """Each guard of the project that moved, by its word and never by its value."""
    before, after = (parse_project(text.encode(), tmp_path) for text in (PROJECT, PROJECT.replace(old, new)))
    found = guarded_setting_changes(before, after, rules_changed=False)
    assert [(each.code, each.message) for each in found] == [("KT483", f"this change touches {word}")]
    assert guarded_setting_changes(before, before, rules_changed=False) == ()
    assert guarded_setting_changes(None, after, rules_changed=True) == ()


def test_creation_rules_guard_too(tmp_path):
    """Who can decrypt the files to come."""
    project = parse_project(PROJECT.encode(), tmp_path)
    (line,) = guarded_setting_changes(project, project, rules_changed=True)
    assert line.origin.file == ".sops.yaml"


def test_notes_go_among_the_findings():
    """The access class is for what needs a look."""
    gained, note = recipient_changes({"a": file("x")}, {"a": file("x", "y", wrap="v")})
    plan = add_access_diagnostics(Plan(workspace="w", organization="o", changes=()), (gained, note))
    assert plan.access_changes == (gained,)
    assert plan.diagnostics == (note,)
    assert add_access_diagnostics(plan, ()) == replace(plan, access_changes=())
