"""keyturn.yaml."""

import json
import os
import subprocess
from pathlib import Path

import jsonschema
import pytest

from encrypting import document
from keyturn.model.diagnostic import DiagnosticError
from keyturn.policy.settings import PlanLimits
from keyturn.project.project import (
    ApiKeySource,
    find_project_root,
    open_project,
    parse_project,
    read_project,
    read_project_at,
)

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/project.schema.json").read_text())
_GOOD = """\
version: 1
workspaces:
  prod:
    base_url: https://api.planasonix.com/
    organization: org_01jq8acme
    api_key: {env: PLANASONIX_API_KEY}
    manifests: [manifests/prod]
    state: s3://bucket/prod
    pace: 10
    put: partial
  dev:
    base_url: http://127.0.0.1:8080/v1
    organization: org_2
    api_key: {file: .keyturn/key}
    manifests: [manifests/dev, shared]
policy:
  required_labels: [owner]
  recipients: {manifests/prod: [age1x]}
  limits: {retire: {count: 3}}
  rules: {KT310: off}
decryptor: sops
fingerprint_key: keys/fingerprint.yaml
"""
_SMALL = _GOOD[: _GOOD.index("  dev:")]


def findings(text):
    """Return code, place and message of what is wrong with a project file."""
    with pytest.raises(DiagnosticError) as caught:
        parse_project(text.encode(), Path())
    return [
        (finding.code, str(finding.origin).removeprefix("keyturn.yaml:"), finding.message)
        for finding in caught.value.diagnostics
    ]


def test_reads_every_setting():
    """Two workspaces, their policy, and what stands beside them."""
    project = parse_project(_GOOD.encode(), Path("/x"))
    prod, dev = project.workspaces["prod"], project.workspaces["dev"]
    assert (prod.name, prod.base_url, prod.organization) == (
        "prod",
        "https://api.planasonix.com",
        "org_01jq8acme",
    )
    assert (prod.api_key, prod.manifests) == (ApiKeySource("env", "PLANASONIX_API_KEY"), ("manifests/prod",))
    assert (prod.state_url, prod.pace, prod.put) == ("s3://bucket/prod", 10.0, "partial")
    assert (dev.api_key, dev.manifests) == (ApiKeySource("file", ".keyturn/key"), ("manifests/dev", "shared"))
    assert (dev.state_url, dev.pace, dev.put) == ("file:.keyturn/dev", 0.0, "full")
    assert project.policy.required_labels == ("owner",)
    assert project.policy.limits.retire.count == 3
    assert project.policy.origin.line == 17
    assert (project.decryptor, project.fingerprint_key) == ("sops", "keys/fingerprint.yaml")


def test_policy_is_not_required():
    """Without a section, the defaults hold."""
    project = parse_project(_SMALL.encode(), Path())
    assert project.policy.limits == PlanLimits()
    assert (project.decryptor, project.fingerprint_key) == ("auto", ".keyturn/fingerprint.yaml")


_WRONG = [
    ("version: 1\n", "", "KT003", "1:1"),
    ("version: 1", "version: 2", "KT003", "1:10"),
    ("version: 1", "version: true", "KT003", "1:10"),
    ("version: 1", 'version: "1"', "KT003", "1:10"),
    ("base_url:", "base_ul:", "KT002", "4:5"),
    ("https://api.planasonix.com/", "http://api.planasonix.com/", "KT004", "4:15"),
    ("https://api.planasonix.com/", "https://user@api.planasonix.com/", "KT004", "4:15"),
    ("org_01jq8acme", "5", "KT003", "5:19"),
    ("    organization: org_01jq8acme\n", "", "KT003", "4:5"),
    ("{env: PLANASONIX_API_KEY}", "plnx_live_secret", "KT006", "6:14"),
    ("{env: PLANASONIX_API_KEY}", "{env: PLANASONIX-API-KEY}", "KT006", "6:20"),
    ("{env: PLANASONIX_API_KEY}", "{env: A, file: b}", "KT006", "6:14"),
    ("{env: PLANASONIX_API_KEY}", "{value: x}", "KT002", "6:15"),
    ("[manifests/prod]", "manifests/prod", "KT003", "7:16"),
    ("[manifests/prod]", "[]", "KT003", "7:16"),
    ("[manifests/prod]", "[../prod]", "KT003", "7:16"),
    ("[manifests/prod]", "[/etc]", "KT003", "7:16"),
    ("s3://bucket/prod", "https://bucket/prod", "KT004", "8:12"),
    ("pace: 10", "pace: -1", "KT003", "9:11"),
    ("pace: 10", "pace: fast", "KT003", "9:11"),
    ("put: partial", "put: all", "KT003", "10:10"),
    ("    state:", "    ledger:", "KT002", "8:5"),
    ("  prod:", "  Prod:", "KT003", "4:5"),
]


@pytest.mark.parametrize(("old", "new", "code", "place"), _WRONG)
def test_each_fault_stands_at_its_place(old, new, code, place):
    """What is wrong is said where it is, and the schema for editors refuses it as well."""
    text = _SMALL.replace(old, new, 1)
    assert text != _SMALL
    assert (code, place) in [(found[0], found[1]) for found in findings(text)]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document(text).tree, _SCHEMA)


def test_the_schema_takes_what_is_taken_here():
    """Both say yes to the same files."""
    for text in (_GOOD, _SMALL):
        jsonschema.validate(project_tree(text), _SCHEMA)


def project_tree(text):
    """Return a project file as it is read."""
    from keyturn.yamldoc.reader import parse_document  # noqa: PLC0415

    return parse_document(text.encode(), "keyturn.yaml", switches=True).tree


def test_a_key_that_was_written_into_the_file_is_not_repeated(canary):
    """The finding says where it belongs, not what it is."""
    with pytest.raises(DiagnosticError) as caught:
        parse_project(_SMALL.replace("{env: PLANASONIX_API_KEY}", canary()).encode(), Path())
    canary.also("findings", repr(caught.value.diagnostics))
    assert "revoke" in caught.value.diagnostics[0].hint


def test_faults_of_policy_are_told_along_with_the_rest():
    """Everything that is wrong is said in one go, with its place."""
    text = (
        _GOOD.replace("required_labels", "required_label")
        .replace("put: partial", "put: x")
        .replace("decryptor", "decryptr")
    )
    assert [(code, place) for code, place, _ in findings(text)] == [
        ("KT003", "10:10"),
        ("KT303", "17:19"),
        ("KT002", "21:1"),
    ]


def test_the_old_key_of_the_state_names_the_new_one():
    """`ledger:` of keyturn 0.1 is an error that says what to write."""
    with pytest.raises(DiagnosticError) as caught:
        parse_project(_SMALL.replace("state:", "ledger:").encode(), Path())
    (found,) = caught.value.diagnostics
    assert (found.code, str(found.origin)) == ("KT002", "keyturn.yaml:8:5")
    assert found.hint == "rename `ledger:` to `state:`"


def test_two_workspaces_do_not_share_a_state():
    """Each would take the other's objects for retired ones."""
    text = _GOOD.replace(
        "manifests: [manifests/dev, shared]", "manifests: [x]\n    state: s3://bucket/prod/"
    )
    assert [(code, message) for code, _, message in findings(text)] == [
        ("KT003", "the workspaces prod and dev share one state")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\n",
        "version: 1\nworkspaces: {}\n",
        "version: 1\nworkspaces: x\n",
        "a: [\n",
        "version: 1\nworkspaces: {prod: x}\n",
    ],
)
def test_a_project_needs_a_workspace(text):
    """Without one there is nothing to plan."""
    assert findings(text)


def test_a_workspace_is_the_only_one_or_named():
    """Which one is meant is never guessed."""
    small, large = parse_project(_SMALL.encode(), Path()), parse_project(_GOOD.encode(), Path())
    assert small.find_workspace().name == small.find_workspace("prod").name == "prod"
    assert large.find_workspace("dev").name == "dev"
    for project, name in ((large, ""), (large, "x"), (small, "x")):
        with pytest.raises(DiagnosticError) as caught:
            project.find_workspace(name)
        assert caught.value.diagnostics[0].code == "KT005"


@pytest.fixture
def root(tmp_path):
    """Return a repository with a project in a folder of it."""
    folder = tmp_path / "repository/project"
    (folder / "deep/er").mkdir(parents=True)
    (folder / "keyturn.yaml").write_text(_SMALL)
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "first")):
        subprocess.run(["git", *arguments], cwd=folder.parent, check=True)
    return folder


def test_the_root_is_looked_for_upwards(root, tmp_path):
    """From any folder below it; not beyond the top of the repository."""
    assert find_project_root(root / "deep/er") == root.resolve()
    assert find_project_root(root) == root.resolve()
    (tmp_path / "keyturn.yaml").write_text(_SMALL)
    with pytest.raises(DiagnosticError) as caught:
        find_project_root(root.parent)
    assert caught.value.diagnostics[0].code == "KT001"
    assert "keyturn init" in caught.value.diagnostics[0].hint


def test_reads_the_tree_and_any_revision(root):
    """The settings of a trusted revision are those that were committed there."""
    (root / "keyturn.yaml").write_text(_SMALL.replace("org_01jq8acme", "org_evil"))
    assert read_project(root).workspaces["prod"].organization == "org_evil"
    trusted = read_project_at(root, "HEAD", os.environ)
    assert trusted.workspaces["prod"].organization == "org_01jq8acme"
    assert len(trusted.revision) == 40
    assert trusted.root == root
    assert trusted.digest != read_project(root).digest
    with pytest.raises(DiagnosticError):
        read_project_at(root, "HEAD~1", os.environ)


def test_a_missing_or_linked_project_file_is_refused(root, tmp_path):
    """A symlink could name another organization's settings."""
    with pytest.raises(DiagnosticError) as caught:
        read_project(tmp_path)
    assert caught.value.diagnostics[0].code == "KT001"
    (root / "keyturn.yaml").rename(root / "other.yaml")
    (root / "keyturn.yaml").symlink_to("other.yaml")
    with pytest.raises(DiagnosticError) as caught:
        read_project(root)
    assert caught.value.diagnostics[0].code == "KT120"


def test_the_project_of_a_folder(tmp_path):
    """The nearest keyturn.yaml upwards."""
    (tmp_path / "keyturn.yaml").write_text(_GOOD)
    below = tmp_path / "manifests/prod"
    below.mkdir(parents=True)
    assert open_project(below) == read_project(tmp_path)
