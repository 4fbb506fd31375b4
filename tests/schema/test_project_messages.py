"""Errors of shape in keyturn.yaml."""

import pytest

from keyturn.catalog import find_code
from keyturn.schema.project_messages import describe_project_errors
from keyturn.schema.validate import validate_project_file
from keyturn.yamldoc.reader import parse_document

_HEAD = """\
version: 1
workspaces:
  prod:
    base_url: https://api.planasonix.com
    organization: org_1
    api_key: {env: NAME}
    manifests: [manifests]
"""


def read(text):
    """Return a project file as keyturn reads it."""
    return parse_document(text.encode(), "keyturn.yaml", yes_no_as_text=True)


def shown(text):
    """Return code, location, message and hint of each error."""
    return [
        (found.code, str(found.origin), found.message, found.hint)
        for found in describe_project_errors(read(text))
    ]


_ERRORS = [
    ("seals: warn", "KT002", "did you mean seal?"),
    ("rotation: {maxage: 1d}", "KT002", "did you mean max_age?"),
    ("rotation: {max_age: 90}", "KT003", "put the value in quotes"),
    ("environments: {prod: {prefx: p-}}", "KT002", "did you mean prefix?"),
    ("environments: {prod: {production: maybe}}", "KT003", "write true or false, without quotes"),
    ("limits: {retire: {percent: 101}}", "KT003", ""),
    ("limits: {retire: {count: 1.5}}", "KT003", "write digits, without quotes"),
    ("seal: requird", "KT003", "did you mean required?"),
    ("seal: 1", "KT003", "write one of them"),
    ("rules: {KT310: loud}", "KT003", "write one of them"),
    ("rules: {KT310: {level: off, path: []}}", "KT002", "did you mean paths?"),
    ("rules: [KT310]", "KT003", "write its keys below it, indented"),
    ("key_types: [gae]", "KT003", "did you mean age?"),
    ("recipients: {manifests: age1a}", "KT003", "write one item per line, each after a dash"),
    ("tls: {minimum: none}", "KT003", "write one of them"),
]


@pytest.mark.parametrize(("setting", "code", "hint"), _ERRORS)
def test_a_policy_error_has_a_hint(setting, code, hint):
    """One error for one mistake, in its line."""
    found = describe_project_errors(read(f"{_HEAD}policy:\n  {setting}\n"))
    assert [(error.code, error.hint, error.origin.line) for error in found] == [(code, hint, 9)]


_NAME_RULE = "use lower-case letters, digits, - and _, at most 63 characters"
_API_KEY = ("api_key: {env: NAME}", "workspaces.prod.api_key must be {env: NAME} or {file: PATH}")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("version: 1", "version: 2", ("KT003", "keyturn.yaml:1:10", "version must be 1")),
        ("version: 1\n", "", ("KT003", "keyturn.yaml:1:1", "version is missing")),
        (
            "    organization: org_1\n",
            "",
            ("KT003", "keyturn.yaml:4:5", "workspaces.prod.organization is missing"),
        ),
        ("org_1", "''", ("KT003", "keyturn.yaml:5:19", "workspaces.prod.organization is empty")),
        ("[manifests]", "[]", ("KT003", "keyturn.yaml:7:16", "workspaces.prod.manifests is empty")),
        ("[manifests]", "[5]", ("KT003", "keyturn.yaml:7:17", "workspaces.prod.manifests.0 must be text")),
        (
            "  prod:",
            "  Prod:",
            (
                "KT003",
                "keyturn.yaml:3:3",
                f"workspaces.▒▒▒ is not a workspace name: {_NAME_RULE}",
            ),
        ),
        (
            "    api_key",
            "    pace: -1\n    api_key",
            ("KT003", "keyturn.yaml:6:11", "workspaces.prod.pace must be at least 0"),
        ),
        (_API_KEY[0], "api_key: plnx_live", ("KT006", "keyturn.yaml:6:14", _API_KEY[1])),
        (_API_KEY[0], "api_key: {}", ("KT006", "keyturn.yaml:6:14", _API_KEY[1])),
        (_API_KEY[0], "api_key: {env: A, file: b}", ("KT006", "keyturn.yaml:6:14", _API_KEY[1])),
        (
            _API_KEY[0],
            "api_key: {env: A-B}",
            (
                "KT006",
                "keyturn.yaml:6:20",
                "workspaces.prod.api_key.env is not the name of an environment variable",
            ),
        ),
    ],
)
def test_an_error_names_the_setting(old, new, expected):
    """With its code and location, and without the value."""
    text = _HEAD.replace(old, new, 1)
    assert text != _HEAD
    assert [found[:3] for found in shown(text)] == [expected]


def test_the_error_of_an_api_key_says_to_revoke_it():
    """It may be a key that somebody wrote into the file."""
    ((*_, hint),) = shown(_HEAD.replace("{env: NAME}", "plnx_live"))
    assert hint == find_code("KT006").hint


def test_a_renamed_key_has_the_new_name_as_hint():
    """The nearest known key would mislead."""
    assert shown(f"{_HEAD}    ledger: file:x\n") == [
        (
            "KT002",
            "keyturn.yaml:8:5",
            "workspaces.prod.ledger is not a setting",
            "rename `ledger:` to `state:`",
        )
    ]


def test_checks_of_code_are_left_to_the_code():
    """The patterns of addresses, paths and periods are for editors."""
    text = _HEAD.replace("https:", "http:").replace("[manifests]", "[../x]")
    document = read(f"{text}policy:\n  rotation: {{max_age: soon}}\n  rules: {{KT302: off}}\n")
    assert validate_project_file(document) == describe_project_errors(document) == ()


def test_a_valid_file_has_no_errors():
    """An empty section is valid."""
    assert validate_project_file(read(f"{_HEAD}policy:\n")) == ()
