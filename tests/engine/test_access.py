"""The access review."""

from dataclasses import replace

import pytest

from keyturn.engine.access import review, settings, steady
from keyturn.load.access import Readers
from keyturn.load.project import read_project
from making import credential, wanted

FILE = "manifests/a.yaml"


def who(*names):
    """Return the readers of one file."""
    return {FILE: Readers(frozenset(names), dict.fromkeys(names, "w"))}


@pytest.mark.parametrize(
    ("before", "after", "stale", "codes"),
    [
        (who("age:a"), who("age:a"), False, []),
        (who("age:a"), who("age:a", "age:b"), False, ["KT480"]),
        (who("age:a", "age:b"), who("age:a"), True, ["KT481"]),
        (who("age:a", "age:b"), who("age:a"), False, ["KT482"]),
        (who("age:a"), who("age:b"), False, ["KT480", "KT482"]),
        ({}, who("age:a"), False, []),
        (who("age:a"), {}, False, []),
    ],
)
def test_who_gained_and_who_lost(before, after, stale, codes):
    """Whoever was removed while the data key stayed still has it."""
    found = review(before, after, frozenset({FILE} if stale else ()))
    assert [each.code for each in found] == codes
    assert all(each.origin.file == FILE for each in found)


def test_files_with_an_old_ciphertext_are_steady():
    """One value that stayed is enough: the data key is the old one."""
    address = credential("a")
    before = wanted(address, secrets={"p": "x", "q": "y"}, opened=False)
    after = replace(before, ciphers={("p",): "new", ("q",): "cq"})
    assert steady([before], [after]) == {before.origin.file}
    assert steady([before], [replace(before, ciphers={("p",): "1", ("q",): "2"})]) == frozenset()
    assert steady([], [after]) == frozenset()


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"base_url": "https://evil.example"}, "workspaces.prod.base_url"),
        ({"organization": "org_other"}, "workspaces.prod.organization"),
        ({"api_key": {"env": "OTHER"}}, "workspaces.prod.api_key"),
        ({"ledger": "file:.keyturn/other"}, "workspaces.prod.ledger"),
        ({"policy": {"limits": {"retire": {"count": 99, "percent": 100}}}}, "policy.limits"),
        ({"policy": {"seal": "required"}}, "policy.seal"),
        ({"policy": {"rules": {"KT310": "off"}}}, "policy.rules"),
        ({"top": {"decryptor": "sops"}}, "decryptor"),
    ],
)
def test_a_setting_that_guards_is_named(office, more, word):
    """Whoever changes it in a pull request is seen."""
    before = read_project(office.repo.root)
    office.repo.project(**more)
    found = settings(before, read_project(office.repo.root), rules_changed=False)
    assert [each.message for each in found] == [f"this change touches {word}"]


def test_nothing_to_compare(office):
    """A new project has no former settings; the rules of sops are a setting too."""
    project = read_project(office.repo.root)
    assert settings(None, project, rules_changed=True) == ()
    assert settings(project, project, rules_changed=False) == ()
    assert [each.origin.file for each in settings(project, project, rules_changed=True)] == [".sops.yaml"]
