"""The example repository: each file is valid, decrypts, has a valid seal, and matches its source."""

import os
import shutil
import subprocess
import sys
from datetime import date

import pytest

from example_manifests import ROOT, read_examples
from keyturn.files.discovery import load_file
from keyturn.manifests.loader import load_manifests
from keyturn.manifests.secrets import decrypt_manifests
from keyturn.model.diagnostic import Severity
from keyturn.policy.rule import RuleContext
from keyturn.policy.runner import run_rules
from keyturn.project.project import read_project
from keyturn.sops.decrypt import decryptor_for
from keyturn.yamldoc.reader import parse_document
from sample_resources import is_decrypted

REPO = ROOT / "examples" / "repo"
KEY = REPO / "published-test-key.txt"
FILES = sorted(str(path.relative_to(REPO)) for path in (REPO / "manifests").rglob("*.yaml"))
ENVIRONMENT = {"SOPS_AGE_KEY_FILE": str(KEY), "PATH": os.environ["PATH"]}


@pytest.fixture(scope="module")
def project():
    """Return the project of the examples."""
    return read_project(REPO)


@pytest.fixture(scope="module")
def loaded(project):
    """Return the loaded manifests of the examples."""
    return load_manifests(project, project.find_workspace())


def test_the_examples_have_no_finding(loaded):
    """The manifests have no error, warning or note."""
    assert loaded.diagnostics == ()
    assert len(loaded.desired) == len(FILES)


def test_each_example_decrypts(project, loaded):
    """The published key decrypts every file, and its seal is valid."""
    opened = decrypt_manifests(loaded.desired, project, ENVIRONMENT)
    assert all(is_decrypted(each) for each in opened)
    assert sum(bool(each.secrets) for each in opened) > 15


def test_no_rule_reports_an_example(project, loaded):
    """With all secrets decrypted, no rule reports an error or a warning."""
    opened = decrypt_manifests(loaded.desired, project, ENVIRONMENT)
    secrets = {each.origin.file: each.secrets for each in opened}
    found = run_rules(
        loaded.resource_views, project.policy, RuleContext(today=date(2090, 1, 1), secrets=secrets)
    )
    assert [str(each.origin) + each.code for each in found if each.severity < Severity.NOTE] == []


def test_sources_and_files_match():
    """Each source in plain has a file in repo, and each file has a source."""
    assert {file.removeprefix("manifests/prod/").removesuffix(".yaml") for file in FILES} == set(
        read_examples()
    )


@pytest.mark.parametrize("file", FILES)
def test_a_file_equals_its_source(file):
    """Plain fields equal those of the source; `make examples` updates them."""
    generated = dict(parse_document(load_file(REPO, file).data, file).tree)
    kind = "credentials" if "credentials" in file else "connections"
    source = dict(parse_document(read_examples()[f"{kind}/{file.split('/')[-1][:-5]}"].encode(), file).tree)
    generated.pop("sops", None)
    secrets, words = generated.pop("secrets", {}), source.pop("secrets", {})
    config, plain = generated.pop("config", {}), source.pop("config", {})
    assert generated == source
    assert secrets.keys() == words.keys()
    assert {**config, "known_hosts": ""} == {**plain, "known_hosts": ""}


@pytest.mark.parametrize("file", [file for file in FILES if "credentials" in file])
def test_a_file_has_the_modeline_of_its_schema(file):
    """The path of the schema is relative to the file."""
    first = (REPO / file).read_text().splitlines()[0]
    schema = first.removeprefix("# yaml-language-server: $schema=")
    assert (REPO / file).parent.joinpath(schema).resolve() == ROOT / "schemas" / "credential.schema.json"


def test_the_sops_binary_decrypts_the_examples(project, sops):
    """The binary and the native decryption return the same secrets."""
    documents = [parse_document(load_file(REPO, file).data, file) for file in FILES if "credentials" in file]
    native = decryptor_for(ENVIRONMENT, project.policy)(documents)
    binary = decryptor_for({**ENVIRONMENT, "PATH": str(sops.parent)}, project.policy, "sops")(documents)
    assert native == binary


def test_the_key_file_warns():
    """The key file states that the key is published."""
    assert "PUBLISHED" in KEY.read_text()


def test_regenerate_writes_the_examples(tmp_path):
    """The script writes the same files with new secrets."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("manifests"))
    shutil.copytree(ROOT / "examples" / "plain", tmp_path / "examples" / "plain", dirs_exist_ok=True)
    subprocess.run([sys.executable, tmp_path / "examples" / "regenerate.py"], check=True, capture_output=True)
    again = read_project(tmp_path / "examples" / "repo")
    fresh = load_manifests(again, again.find_workspace())
    assert fresh.diagnostics == ()
    assert [each.origin.file for each in fresh.desired] == FILES
    before = (REPO / FILES[-1]).read_text()
    assert (tmp_path / "examples" / "repo" / FILES[-1]).read_text() != before
