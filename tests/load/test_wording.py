"""What is wrong with a manifest, in words: one case for each keyword of the schemas, with its place."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from corpus import manifests, tree
from keyturn.core.codes import CODES
from keyturn.core.looks import secret_key
from keyturn.load.nodes import Document
from keyturn.load.places import Places
from keyturn.load.schema import fits
from keyturn.load.strict import strict
from keyturn.load.wording import findings, spoken
from shelf import document

DB = "kind: credential\nname: x\ntype: database\n"
PG = "kind: connection\nname: x\ntype: postgres\n"

CASES = [
    # text, code, place, part of the message, part of the hint
    ("name: x\n", "KT130", "1:1", "does not say its kind", "kind: credential"),
    ("kind: credentials\nname: x\n", "KT130", "1:7", "no such kind", "did you mean credential?"),
    (DB + "config: {hots: h, username: u}\nsecrets: {password: p}\n", "KT131", "4:10", "config.hots is not a field of a credential of type database", "did you mean host?"),
    (DB + "config: {username: u}\nsecrets: {pasword: p}\n", "KT131", "5:11", "secrets.pasword is not a field", "did you mean password?"),
    (DB + "config: {username: u}\nsecrets: {password: p}\nlables: {}\n", "KT131", "6:1", "lables is not a field of a credential", "did you mean labels?"),
    (DB + "config: {username: u}\nsecrets: {password: p}\nlifecycle: {protected: true}\n", "KT131", "6:13", "lifecycle.protected", "did you mean protect?"),
    (PG + "config: {hst: h}\n", "KT131", "4:10", "config.hst is not a field of a connection of type postgres", "did you mean host?"),
    (PG + "config: {password: p}\n", "KT131", "4:10", "named like a secret", "under secrets of a credential"),
    (PG + "secrets: {password: p}\n", "KT131", "4:1", "a connection holds none", "credential:"),
    ("kind: credential\ntype: password\nsecrets: {password: p}\n", "KT132", "1:1", "name is missing", "add name"),
    ("kind: credential\nname: x\n", "KT132", "1:1", "type is missing", "add type"),
    ("kind: credential\nname: x\ntype: password\nconfig: {username: u}\n", "KT132", "1:1", "the secret password is missing", "under keep"),
    (DB + "config: {username: u, ssh_host: h, ssh_username: t}\nsecrets: {password: p}\n", "KT132", "5:1", "the secret ssh_private_key is missing", "under secrets"),
    (DB + "config: {username: u, port: '5432'}\nsecrets: {password: p}\n", "KT133", "4:29", "config.port must be a whole number", "without quotes"),
    (DB + "config: {username: u, port: 5432.0}\nsecrets: {password: p}\n", "KT133", "4:29", "config.port must be a whole number", "without quotes"),
    (DB + "config: {username: u, port: 70000}\nsecrets: {password: p}\n", "KT133", "4:29", "config.port must be at most 65535", "5432"),
    (DB + "config: {username: u, port: 0}\nsecrets: {password: p}\n", "KT133", "4:29", "config.port must be at least 1", "5432"),
    (DB + "config: {username: u, host: 'https://h'}\nsecrets: {password: p}\n", "KT133", "4:29", "config.host: a host is a name or an address", "db.acme.example"),
    (DB + "config: {username: 1}\nsecrets: {password: p}\n", "KT133", "4:20", "config.username must be text", "quotes"),
    (DB + "config: [username]\nsecrets: {password: p}\n", "KT133", "4:9", "config must be a mapping", "indented"),
    (DB + "config: {username: u}\nsecrets: {password: p}\nlifecycle: {protect: 'true'}\n", "KT133", "6:22", "lifecycle.protect must be true or false", "without quotes"),
    (DB + "config: {username: u}\nsecrets: {password: p}\nrotation: {max_age: 90}\n", "KT133", "6:21", "rotation.max_age must be text", "days or weeks"),
    (DB + "config: {username: u}\nsecrets: {password: p}\nrotation: {max_age: 3m}\n", "KT133", "6:21", "an age is written as days or weeks", "90d"),
    (DB + "config: {username: u}\nsecrets: {password: p}\nkeep: password\n", "KT133", "6:7", "keep must be a list", "dash"),
    (DB + f"config: {{username: u}}\nsecrets: {{password: p}}\nmoved_from: {'a' * 256}\n", "KT133", "6:13", "longer than 255", "shorten"),
    (DB + "config: {username: u}\nkeep: [password, password]\n", "KT133", "5:7", "the same item twice", "remove one"),
    (DB + "config: {username: u, ssh_host: h}\nsecrets: {password: p, ssh_private_key: k}\n", "KT133", "4:9", "an SSH tunnel needs ssh_host and ssh_username", "add ssh_username"),
    (DB + "config: {username: u}\nsecrets: {password: p, ssh_private_key: k}\n", "KT133", "4:9", "needs the host of its tunnel", "add ssh_host"),
    ("kind: credential\nname: X\ntype: password\nsecrets: {password: p}\n", "KT133", "2:7", "lower-case letters", "prod-snowflake-reader"),
    ("kind: credential\nname: \"x\\n\"\ntype: password\nsecrets: {password: p}\n", "KT133", "2:7", "lower-case letters", ""),
    ("kind: credential\nname: x\ntype: gcp\nsecrets: {service_account_json: {a: b}}\n", "KT133", "4:33", "must be text", "after |"),
    (PG + "config: {a: {ref: cred/x}}\n", "KT131", "4:10", "config.a is not a field", ""),
    ("kind: connection\nname: x\ntype: other\nconfig: {a: {ref: cred/x}}\n", "KT133", "4:19", "a reference is written credential/NAME", "credential/"),
    ("kind: connection\nname: x\ntype: other\nconfig: {a: [{ref: credential/x}]}\n", "KT133", "4:20", "not in a list", ""),
    ("kind: credential\nname: x\ntype: databse\n", "KT134", "3:7", "none of the values", "did you mean database?"),
    (PG + "config: {sslMode: none}\n", "KT134", "4:19", "config.sslMode is none of the values", "verify-full"),
    ("kind: credential\nname: x\ntype: password\nkeep: [pasword]\n", "KT134", "4:8", "no secret field of type password", "did you mean password?"),
    ("kind: credential\nname: x\ntype: api_key\nkeep: [header]\n", "KT134", "4:8", "no secret field of type api_key", ""),
    (DB + "config: {username: u, password: p}\nsecrets: {seal: s}\n", "KT135", "4:23", "config.password is a secret and belongs under secrets", "must be changed"),
    (DB + "config: {username: u}\npassword: p\n", "KT135", "5:1", "password is a secret and belongs under secrets", "encrypt"),
    (DB + "config: {username: u}\nsecrets: {password: p, host: h}\n", "KT136", "5:24", "secrets.host is plain and belongs under config", "review"),
    (DB + "config: {username: u}\nsecrets: {password: p}\nhost: h\n", "KT136", "6:1", "host is plain and belongs under config", "move it"),
    ("kind: credential\nname: x\ntype: aws\nconfig: {access_key_id: A}\n", "KT137", "4:1", "access keys: secret_access_key is missing", "a role to assume (role_arn)"),
    ("kind: credential\nname: x\ntype: aws\n", "KT137", "1:1", "none of the alternatives", "access keys (access_key_id, secret_access_key)"),
    ("kind: credential\nname: x\ntype: api_key\nsecrets: {api_key: a, key_b: c}\n", "KT138", "4:1", "one key and a key in parts", "keep one"),
    (DB + "config: {username: u, host: ''}\nsecrets: {password: p}\n", "KT139", "4:29", "config.host is empty", "remove it"),
    (DB + "config: {username: u, host: null}\nsecrets: {password: p}\n", "KT139", "4:29", "config.host is null", "remove it"),
    (DB + "config: {username: u}\nsecrets: {password: ''}\n", "KT139", "5:21", "secrets.password is empty", "remove it"),
    ("kind: credential\nname: x\ntype: oauth\nconfig: {client_id: c, scopes: []}\nsecrets: {client_secret: s}\n", "KT139", "4:32", "config.scopes is empty", ""),
    ("kind: credential\nname: x\ntype: api_key\nsecrets: {headers: {}}\n", "KT139", "4:20", "secrets.headers is empty", ""),
    ("kind: credential\nname: x\ntype: oauth\nconfig: {client_id: c}\nsecrets: {client_secret: s, refresh_token: r}\n", "KT140", "5:29", "secrets.refresh_token is not yours to set", "Authorize"),
    ("kind: credential\nname: x\ntype: oauth\nconfig: {client_id: c, access_token: r}\nsecrets: {client_secret: s}\n", "KT140", "4:24", "config.access_token is not yours to set", "Authorize"),
]  # fmt: skip


def found(text):
    """Return the findings of a text."""
    read = document(text)
    return findings(read, str(read.tree.get("kind", "")))


@pytest.mark.parametrize(("text", "code", "place", "message", "hint"), CASES)
def test_each_fault_is_named_where_it_stands(text, code, place, message, hint):
    """One finding, its code, its place, what is wrong and what to do."""
    [finding] = found(text)
    assert (finding.code, str(finding.origin)) == (code, f"manifests/x.yaml:{place}")
    assert message in finding.message
    assert hint in finding.hint
    assert code in CODES


def test_the_table_has_every_keyword_of_the_schemas():
    """A keyword that no case breaks would be a message that nobody has read."""
    broken = set()
    for text, code, *_ in CASES:
        if code != "KT130":
            read = document(text)
            broken |= {error.validator for error in strict(str(read.tree["kind"])).iter_errors(read.tree)}
    assert broken >= {
        *("additionalProperties", "anyOf", "enum", "maxLength", "maximum", "minItems", "minLength"),
        *("minProperties", "minimum", "not", "oneOf", "pattern", "required", "type", "uniqueItems"),
    }


def test_all_faults_are_found_at_once():
    """Nobody has to run it again to see the next one."""
    text = PG + "config:\n  hst: h\n  port: 0\n  sslMode: x\nlabels: {a: 1}\nfoo: 1\n"
    assert [finding.code for finding in found(text)] == ["KT131", "KT133", "KT134", "KT133", "KT131"]


def test_a_secret_looking_name_is_left_to_the_rule():
    """An open config that names a secret has a finding of policy, which can be waived."""
    assert found("kind: connection\nname: x\ntype: other\nconfig: {token: t}\n") == ()


def test_a_key_that_may_be_a_secret_is_not_said(canary):
    """A secret that was put where a name belongs stays out of the message."""
    secret = canary("ascii")
    [finding] = found(f"{PG}config:\n  ? {secret!r}\n  : x\n")
    assert secret not in finding.message
    assert spoken(("config", secret)) == "config.…"


@some.composite
def mutants(draw: some.DrawFn) -> tuple[str, dict[str, Any]]:
    """Return an example one of whose parts became something else."""
    name = draw(some.sampled_from(sorted(manifests())))
    mutant = copy.deepcopy(tree(name))
    inner = [mutant, *(value for value in mutant.values() if isinstance(value, dict))]
    target = draw(some.sampled_from(inner))
    key = draw(some.sampled_from([*target, "unheard", "refresh_token", "staging", "keep"]))
    values = [None, 7, "", "canary-value", ["canary-value"], {"canary": "canary-value"}, {}, True]
    target[key] = draw(some.sampled_from(values))
    return name.partition("/")[0].removesuffix("s"), mutant


@given(mutants())
def test_what_does_not_fit_is_always_said_and_never_quoted(asked):
    """Every refusal has a finding with a known code, and no finding holds a value."""
    kind, mutant = asked
    made = Document("x.yaml", mutant, "", Places(dict))
    said = findings(made, kind)
    names = [key for block in mutant.values() if isinstance(block, dict) for key in block]
    if not fits(kind)(mutant) and not any(map(secret_key, names)):
        assert said
    assert all(finding.code in CODES for finding in said)
    assert "canary-value" not in repr(said)
