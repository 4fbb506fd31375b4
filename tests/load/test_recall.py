"""What a ledger recalls of files: taken for them while nothing moved, and never believed blindly."""

from dataclasses import replace
from hashlib import sha256

import pytest

from keyturn.core.address import Address
from keyturn.core.diagnostic import Faulty
from keyturn.load import recall
from keyturn.load.desired import load
from keyturn.load.recall import Recall, belied, checks
from keyturn.policy.settings import Override, Settings
from shelf import WISHES, Shelf

CREDENTIAL = (
    """kind: credential
name: reader
type: database
labels: {environment: prod}
config: {host: db.example.com, port: 5432, username: svc}
secrets:
  password: WORD
  seal: SEAL
"""
    + WISHES
)
CONNECTION = """kind: connection
name: lake
type: snowflake
category: source
credential: reader
undocumented: [keywords]
config: {account: a, staging: {credentialId: {ref: credential/reader}, bucket: b}, keywords: [1, true, 2.5]}
"""


@pytest.fixture
def shelf(tmp_path, age_key, sops, canary):
    """Return a project of two manifests that use all that a manifest can say."""
    shelf = Shelf(tmp_path, age_key, sops)
    shelf.sealed("reader", CREDENTIAL.replace("WORD", canary()))
    shelf.plain("lake", CONNECTION)
    return shelf


def gists(shelf):
    """Return the gists of all files in which nothing was found."""
    return [each.gist for each in again(shelf, ()).desired if each.gist]


def again(shelf, recalled):
    """Load the workspace with gists of it."""
    return load(shelf.project, shelf.project.workspace(), gists=recalled)


def names(loaded):
    """Return the names of what was not read."""
    return {address.name for address in loaded.recalled}


def test_what_is_recalled_is_what_was_read(shelf):
    """Every part of both, the places of a finding included."""
    read = again(shelf, ())
    recalled = again(shelf, gists(shelf))
    assert names(recalled) == {"reader", "lake"}
    assert not read.recalled
    assert not [each.gist for each in shelf.load().desired if each.gist]  # nobody asked for any
    assert recalled.desired == read.desired
    assert recalled.subjects == read.subjects
    assert recalled.findings == read.findings == ()
    origins = [each.origin(("config",), key=True) for each in recalled.subjects]
    assert origins == [each.origin(("config",), key=True) for each in read.subjects]
    assert all(origin.line > 1 for origin in origins)


def test_a_gist_stands_for_its_file_alone(shelf):
    """Other bytes, or another place, and the file is read."""
    known = gists(shelf)
    shelf.plain("lake", CONNECTION + "# a comment\n")
    (shelf.root / "manifests" / "sub").mkdir()
    (shelf.root / "manifests" / "reader.yaml").rename(shelf.root / "manifests" / "sub" / "reader.yaml")
    loaded = again(shelf, known)
    assert names(loaded) == set()
    assert {each.address.name for each in loaded.desired} == {"reader", "lake"}


def test_a_copy_under_another_name_is_still_found(shelf):
    """The bytes are known, the name is not theirs."""
    known = gists(shelf)
    whole = (shelf.root / "manifests" / "reader.yaml").read_text()
    shelf.plain("copy", whole)
    assert "KT254" in {each.code for each in again(shelf, known).findings}


def test_other_checks_look_again(shelf):
    """What policy asks of an envelope has changed: the file that it refuses now is found."""
    known = gists(shelf)
    policy = "policy: {seal: required, recipients: {manifests: [age1other]}}\n"
    project = (shelf.root / "keyturn.yaml").read_text()
    (shelf.root / "keyturn.yaml").write_text(project.replace("policy: {seal: required}\n", policy))
    loaded = again(shelf, known)
    assert names(loaded) == set()
    assert "KT208" in {each.code for each in loaded.findings}


def test_the_checks_are_named_by_all_that_they_go_by(monkeypatch):
    """Policy of the envelope and the version count; the levels of rules are judged each time anyway."""
    plain = Settings()
    named = checks(plain)
    others = [
        replace(plain, recipients={"manifests": ("age1x",)}),
        replace(plain, key_types=("age",)),
        replace(plain, servers=("https://vault.example.com",)),
        replace(plain, seal="required"),
    ]
    assert len({named, *map(checks, others)}) == 5
    assert checks(replace(plain, rules={"KT330": (Override(None),)})) == named
    recall._built_in.cache_clear()
    monkeypatch.setattr(recall, "__version__", "99.0.0")
    assert checks(plain) != named
    recall._built_in.cache_clear()


def test_a_file_with_a_finding_is_not_recalled(tmp_path, age_key, sops, canary):
    """Even one that only warns is told each time."""
    shelf = Shelf(tmp_path, age_key, sops, policy="policy: {seal: warn}\n")
    unsealed = CREDENTIAL.replace("  seal: SEAL\n", "").replace("WORD", canary())
    shelf.sealed("reader", unsealed)
    assert [each.code for each in shelf.load().findings] == ["KT250"]
    assert gists(shelf) == []


def test_only_what_passed_the_same_checks_is_recalled(shelf):
    """A gist of another version of the checks is none."""
    source = type("Source", (), {"relative": "manifests/lake.yaml", "digest": gists(shelf)[0].digest})
    known = gists(shelf)
    assert Recall(known, known[0].passed).of(source) == known[0]
    assert Recall(known, "other").of(source) is None


def test_a_gist_of_another_name_than_its_file_is_none(shelf):
    """A file that is named otherwise than its resource never passed."""
    (known,) = (each for each in gists(shelf) if each.address.name == "lake")
    renamed = replace(known, address=Address("connection", "pond"))
    assert names(again(shelf, [renamed])) == set()


def test_a_ledger_that_lies_is_found_out(shelf):
    """What it says is taken while nothing is to be done; before anything is, the file is read."""
    honest = gists(shelf)
    settings = shelf.project.policy
    lie = replace(honest[0], fields={**honest[0].fields, ("config", "account"): "theirs"})
    assert again(shelf, [lie]).desired[0].fields[("config", "account")] == "theirs"
    assert list(belied(honest, shelf.root, settings)) == []
    (finding,) = belied([lie, honest[1]], shelf.root, settings)
    assert (finding.code, finding.origin.file) == ("KT630", "manifests/lake.yaml")


@pytest.mark.parametrize("lie", [{"keywords": [1, 1, 2.5]}, {"keywords": [1.0, True, 2.5]}])
def test_a_lie_that_is_equal_to_python_is_one(shelf, lie):
    """1, 1.0 and true are one value to Python and three to a service."""
    (known,) = (each for each in gists(shelf) if each.address.name == "lake")
    told = {("config", name): value for name, value in lie.items()}
    forged = replace(known, fields={**known.fields, **told})
    assert forged == known
    assert [each.code for each in belied([forged], shelf.root, shelf.project.policy)] == ["KT630"]


def test_a_file_that_fails_its_checks_belies_its_gist(shelf):
    """A ledger may say that a broken file passed: its bytes say otherwise."""
    shelf.plain("lake", CONNECTION.replace("account", "acount"))
    source = shelf.root / "manifests" / "lake.yaml"
    known = replace(
        gists(shelf)[0], digest=sha256(source.read_bytes()).hexdigest(), file="manifests/lake.yaml"
    )
    assert [each.code for each in belied([known], shelf.root, shelf.project.policy)] == ["KT630"]


def test_a_file_that_moves_meanwhile_is_said(shelf):
    """Nothing is compared with bytes that were not there when the plan was made."""
    known = gists(shelf)
    shelf.plain("lake", CONNECTION + "# a comment\n")
    with pytest.raises(Faulty) as caught:
        list(belied(known, shelf.root, shelf.project.policy))
    assert [each.code for each in caught.value.findings] == ["KT143"]
