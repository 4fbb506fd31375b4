"""keyturn.yaml."""

import json
import os
import subprocess
from pathlib import Path

import jsonschema
import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.plan import PlanLimits
from keyturn.project.project import (
    ApiKeySource,
    find_project_root,
    open_project,
    parse_project,
    read_project,
    read_project_at,
)
from keyturn.schema.strict_validator import build_validator
from keyturn.schema.validate import compile_schema
from keyturn.yamldoc.reader import parse_document
from sops_files import parse_text

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
    ("  prod:", "  Prod:", "KT003", "3:3"),
]


@pytest.mark.parametrize(("old", "new", "code", "place"), _WRONG)
def test_an_error_has_the_location_of_its_value(old, new, code, place):
    """The schema for editors rejects the same file."""
    text = _SMALL.replace(old, new, 1)
    assert text != _SMALL
    assert (code, place) in [(found[0], found[1]) for found in findings(text)]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(parse_text(text).tree, _SCHEMA)


def test_errors_of_shape_and_meaning_come_together():
    """One run reports everything."""
    text = (
        _SMALL.replace("https://api", "http://api").replace("pace: 10", "pace: fast").replace("put:", "puts:")
    )
    text += "policy:\n  seal: 1\n  typo: 1\n  rules: {KT999: off}\n"
    assert [code for code, *_ in findings(text)] == ["KT004", "KT003", "KT002", "KT003", "KT002", "KT305"]


_VALUES = {
    "base_url": [
        ("https://api.planasonix.com", True),
        ("HTTPS://API.Planasonix.com/", True),
        ("https://api.planasonix.com:8443/v1", True),
        ("https://[2001:db8::1]:443/v1/", True),
        ("http://localhost:8080", True),
        ("HTTP://LocalHost", True),
        ("http://127.0.0.9/v1", True),
        ("http://[::1]:80", True),
        ("https://api", True),
        ("http://10.0.0.1", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("ftp://api.planasonix.com", False),
        ("api.planasonix.com", False),
        ("https://", False),
        ("https://a..b", False),
        ("https://user@host", False),
        ("https://host?x", False),
        ("https://host#x", False),
        ("https://host/%20", False),
        ("https://host//v1", False),
        ("https://host/api", False),
        ("https://host/v1/api/", False),
        ("https://host/apis", True),
        ("https://host:0", False),
        ("https://host:65535", True),
        ("https://host:65536", False),
        ("https://host:", False),
        ("https://h\u00f6st", False),
        ("https://host/a b", False),
        ("https://host\n", False),
        ("https://host/" + "a" * 2000, False),
    ],
    "state": [
        ("file:.keyturn/prod", True),
        ("file:/var/state", True),
        ("s3://bucket/prod/", True),
        ("S3://bucket", True),
        ("gs://b/p_1/~x", True),
        ("az://b.c-d", True),
        ("file:", False),
        ("file://", False),
        ("file:a/../b", False),
        ("file:a\\b", False),
        ("FILE:a", False),
        ("s3://", False),
        ("s3://-bucket", False),
        ("s3://bucket/../x", False),
        ("s3://bucket/.x", False),
        ("s3://user@bucket", False),
        ("s3://bucket?x", False),
        ("s3://bucket:80", False),
        ("https://bucket", False),
    ],
    "manifests": [
        (["a", "./b/", "c d", "..x/y", "."], True),
        (["/a"], False),
        ([".."], False),
        (["a/.."], False),
        (["a\n/../b"], False),
        (["a\\b"], False),
        ([""], False),
        ([], False),
        ([1], False),
        ("a", False),
    ],
    "organization": [("org_1", True), ("", False), (1, False), (None, False)],
    "api_key": [
        ({"env": "NAME_1"}, True),
        ({"file": "/run/secrets/key"}, True),
        ({"env": "1NAME"}, False),
        ({"env": "NAME\n"}, False),
        ({"env": "A", "file": "b"}, False),
        ({"env": ""}, False),
        ({"file": ""}, False),
        ({}, False),
        (None, False),
        ("key", False),
    ],
    "pace": [(0, True), (0.5, True), (-1, False), (True, False), ("1", False), (None, False)],
    "put": [("full", True), ("partial", True), ("", False), (True, False)],
}


@pytest.mark.parametrize(
    ("key", "value", "accepted"), [(key, *case) for key, cases in _VALUES.items() for case in cases]
)
def test_the_schema_and_the_code_accept_the_same_values(key, value, accepted):
    """An editor and keyturn agree; both validators of the schema do, too."""
    tree = project_tree(_SMALL)
    tree["workspaces"]["prod"][key] = value
    assert compile_schema("project").is_valid(tree) is accepted
    assert build_validator("project").is_valid(tree) is accepted
    assert is_read(tree) is accepted


@pytest.mark.parametrize(
    ("policy", "accepted"),
    [
        (None, True),
        (dict.fromkeys(("environments", "recipients", "rotation", "limits", "tls", "rules", "expiry")), True),
        ({"environments": {"lab": None}}, True),
        ({"limits": {"retire": None, "rotate": {"count": 0}}}, True),
        ({"rotation": {"max_age": "0d", "soon": "99999w"}}, True),
        ({"rotation": {"max_age": "100000d"}}, False),
        ({"rotation": {"max_age": "1d\n"}}, False),
        ({"rotation": {"max_age": "\u0661d"}}, False),
        ({"rotation": {"max_age": None}}, False),
        ({"required_labels": None}, False),
        ({"recipients": {"a": None}}, False),
        ({"rules": {"KT310": False, "KT311": "off", "KT312": {"paths": ["a"]}, "KT313": {}}}, True),
        ({"rules": {"KT310": True}}, False),
        ({"rules": {"KT302": "off"}}, False),
        ({"rules": {"KT310": None}}, False),
        ({"short_lived": "required", "seal": "warn", "privileged": [], "servers": [""]}, True),
    ],
)
def test_the_schema_and_the_code_accept_the_same_policy(policy, accepted):
    """An absent and an empty section are the same."""
    tree = {**project_tree(_SMALL), "policy": policy}
    assert compile_schema("project").is_valid(tree) is accepted
    assert build_validator("project").is_valid(tree) is accepted
    assert is_read(tree) is accepted


def is_read(tree):
    """Tell whether keyturn accepts a project file with this tree."""
    try:
        parse_project(json.dumps(tree).encode(), Path())
    except DiagnosticError:
        return False
    return True


def test_the_schema_accepts_the_examples():
    """Both examples of this file."""
    for text in (_GOOD, _SMALL):
        jsonschema.validate(project_tree(text), _SCHEMA)


def project_tree(text):
    """Return the tree of a project file."""
    return parse_document(text.encode(), "keyturn.yaml", yes_no_as_text=True).tree


def test_an_api_key_in_the_file_is_not_in_the_message(canary):
    """The hint says to revoke it."""
    with pytest.raises(DiagnosticError) as caught:
        parse_project(_SMALL.replace("{env: PLANASONIX_API_KEY}", canary()).encode(), Path())
    canary.record("findings", repr(caught.value.diagnostics))
    assert "Revoke a key" in caught.value.diagnostics[0].hint


def test_errors_of_policy_and_workspaces_come_together():
    """One run reports everything, with locations."""
    text = (
        _GOOD.replace("required_labels", "required_label")
        .replace("put: partial", "put: x")
        .replace("decryptor", "decryptr")
    )
    assert [(code, place) for code, place, _ in findings(text)] == [
        ("KT003", "10:10"),
        ("KT002", "17:3"),
        ("KT002", "21:1"),
    ]


def test_the_old_key_of_the_state_names_the_new_one():
    """`ledger:` of keyturn 0.1 is an error that says what to write."""
    with pytest.raises(DiagnosticError) as caught:
        parse_project(_SMALL.replace("state:", "ledger:").encode(), Path())
    (found,) = caught.value.diagnostics
    assert (found.code, str(found.origin)) == ("KT002", "keyturn.yaml:8:5")
    assert found.hint == "rename `ledger:` to `state:`"


def test_two_workspaces_cannot_share_a_state():
    """Each would retire the objects of the other."""
    text = _GOOD.replace("manifests: [manifests/dev, shared]", "manifests: [x]\n    state: s3://bucket/prod/")
    assert [(code, message) for code, _, message in findings(text)] == [
        ("KT003", "the workspaces prod and dev have the same state location")
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


def test_a_workspace_is_selected_by_name_or_is_the_only_one():
    """Keyturn never guesses."""
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


def test_the_root_is_searched_upwards(root, tmp_path):
    """From any folder below it, up to the top of the repository."""
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


def test_a_missing_or_linked_project_file_is_an_error(root, tmp_path):
    """A symlink could lead to the settings of another organization."""
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
