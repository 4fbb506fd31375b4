"""The examples: each decrypts, fits, is sealed, and is what its plain source says."""

import os
import shutil
import subprocess
import sys
from datetime import date

import pytest

from corpus import ROOT, manifests
from keyturn.files.discovery import load_file
from keyturn.manifests.loader import load_manifests
from keyturn.manifests.secrets import decrypt_manifests
from keyturn.model.diagnostic import Severity
from keyturn.policy.rule import RuleContext
from keyturn.policy.runner import run_rules
from keyturn.project.project import read_project
from keyturn.sops.decrypt import decryptor_for
from keyturn.yamldoc.reader import parse_document
from making import is_decrypted

REPO = ROOT / "examples" / "repo"
KEY = REPO / "published-test-key.txt"
FILES = sorted(str(path.relative_to(REPO)) for path in (REPO / "manifests").rglob("*.yaml"))
ENVIRONMENT = {"SOPS_AGE_KEY_FILE": str(KEY), "PATH": os.environ["PATH"]}


@pytest.fixture(scope="module")
def project():
    """Return the examples' project."""
    return read_project(REPO)


@pytest.fixture(scope="module")
def loaded(project):
    """Return everything that the examples want."""
    return load_manifests(project, project.find_workspace())


def test_the_examples_have_no_finding(loaded):
    """Not even a warning."""
    assert loaded.diagnostics == ()
    assert len(loaded.desired) == len(FILES)


def test_each_example_opens_and_its_seal_holds(project, loaded):
    """Every file, with the published key."""
    opened = decrypt_manifests(loaded.desired, project, ENVIRONMENT)
    assert all(is_decrypted(each) for each in opened)
    assert sum(bool(each.secrets) for each in opened) > 15


def test_the_rules_have_nothing_to_say(project, loaded):
    """Examples are what people copy: with every secret opened, no rule finds fault with any."""
    opened = decrypt_manifests(loaded.desired, project, ENVIRONMENT)
    secrets = {each.origin.file: each.secrets for each in opened}
    found = run_rules(
        loaded.resource_views, project.policy, RuleContext(today=date(2090, 1, 1), secrets=secrets)
    )
    assert [str(each.origin) + each.code for each in found if each.severity < Severity.NOTE] == []


def test_each_plain_source_has_its_file():
    """And each file its source."""
    assert {file.removeprefix("manifests/prod/").removesuffix(".yaml") for file in FILES} == set(manifests())


@pytest.mark.parametrize("file", FILES)
def test_a_file_says_what_its_source_says(file):
    """All that is plain is as it was written; whoever changed the source ran make examples."""
    made = dict(parse_document(load_file(REPO, file).data, file).tree)
    kind = "credentials" if "credentials" in file else "connections"
    source = dict(parse_document(manifests()[f"{kind}/{file.split('/')[-1][:-5]}"].encode(), file).tree)
    made.pop("sops", None)
    secrets, words = made.pop("secrets", {}), source.pop("secrets", {})
    config, plain = made.pop("config", {}), source.pop("config", {})
    assert made == source
    assert secrets.keys() == words.keys()
    assert {**config, "known_hosts": ""} == {**plain, "known_hosts": ""}


@pytest.mark.parametrize("file", [file for file in FILES if "credentials" in file])
def test_a_file_has_the_modeline_of_its_schema(file):
    """An editor finds the schema from where the file is."""
    first = (REPO / file).read_text().splitlines()[0]
    schema = first.removeprefix("# yaml-language-server: $schema=")
    assert (REPO / file).parent.joinpath(schema).resolve() == ROOT / "schemas" / "credential.schema.json"


def test_sops_itself_opens_the_examples(project, sops):
    """Not only our own reader: the real binary, for each file, to the same secrets."""
    documents = [parse_document(load_file(REPO, file).data, file) for file in FILES if "credentials" in file]
    ours = decryptor_for(ENVIRONMENT, project.policy)(documents)
    theirs = decryptor_for({**ENVIRONMENT, "PATH": str(sops.parent)}, project.policy, "sops")(documents)
    assert ours == theirs


def test_the_key_says_that_it_is_published():
    """Nobody takes it for one of their own."""
    assert "PUBLISHED" in KEY.read_text()


def test_the_examples_can_be_made_anew(tmp_path):
    """The same files come out, with other secrets, none of which is in clear on the way."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("manifests"))
    shutil.copytree(ROOT / "examples" / "plain", tmp_path / "examples" / "plain", dirs_exist_ok=True)
    subprocess.run([sys.executable, tmp_path / "examples" / "regenerate.py"], check=True, capture_output=True)
    again = read_project(tmp_path / "examples" / "repo")
    fresh = load_manifests(again, again.find_workspace())
    assert fresh.diagnostics == ()
    assert [each.origin.file for each in fresh.desired] == FILES
    before = (REPO / FILES[-1]).read_text()
    assert (tmp_path / "examples" / "repo" / FILES[-1]).read_text() != before
