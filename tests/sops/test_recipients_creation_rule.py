"""Encryption of new files."""

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.policy.settings import PolicySettings
from keyturn.sops.recipients import CreationRule, find_creation_rule

_AGE = "age1" + "q" * 58
_PGP = "A" * 40


def test_policy_has_precedence_over_rules(tmp_path):
    """Without recipients in policy for the path, .sops.yaml is used."""
    (tmp_path / ".sops.yaml").write_text("creation_rules: []\n")
    settings = PolicySettings(recipients={"prod": (_AGE, _PGP)})
    assert find_creation_rule(tmp_path, settings, "prod/a.yaml") == CreationRule(age=(_AGE,), pgp=(_PGP,))
    assert find_creation_rule(tmp_path, settings, "dev/a.yaml") == CreationRule(
        rules_file=tmp_path / ".sops.yaml"
    )


def test_other_kinds_of_recipients_need_rules(tmp_path):
    """A KMS key needs more than its name, so a rule of sops must contain it."""
    settings = PolicySettings(recipients={"": (_AGE, "arn:aws:kms:x")})
    with pytest.raises(DiagnosticError) as caught:
        find_creation_rule(tmp_path, settings, "a.yaml")
    assert caught.value.diagnostics[0].code == "KT227"
    (tmp_path / ".sops.yaml").write_text("creation_rules: []\n")
    assert find_creation_rule(tmp_path, settings, "a.yaml").rules_file == tmp_path / ".sops.yaml"


def test_without_rules_all_of_secrets_is_encrypted(tmp_path):
    """The arguments contain the recipients and the selector, and no configuration of a parent folder."""
    assert CreationRule(age=(_AGE, "x"), pgp=(_PGP,)).build_arguments("m.yaml") == (
        "--config", "/dev/null", "encrypt", "--age", f"{_AGE},x", "--pgp", _PGP, "--encrypted-regex",
        "^secrets$",
    )  # fmt: skip
    rules = tmp_path / ".sops.yaml"
    assert CreationRule(rules_file=rules).build_arguments("m/a.yaml") == (
        "--config", str(rules), "encrypt", "--filename-override", str(tmp_path / "m/a.yaml"),
    )  # fmt: skip
