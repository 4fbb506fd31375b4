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
    assert find_creation_rule(tmp_path, settings, "dev/a.yaml").rules_file == tmp_path / ".sops.yaml"


def test_rules_above_the_project_apply(tmp_path):
    """The path of the file is that below the project. The search ends at the top of the repository."""
    root = tmp_path / "repo/infra"
    root.mkdir(parents=True)
    settings = PolicySettings()
    (tmp_path / ".sops.yaml").write_text("creation_rules: []\n")
    for git in (False, True):
        if git:
            (tmp_path / "repo/.git").mkdir()
        with pytest.raises(DiagnosticError):
            find_creation_rule(root, settings, "m/a.yaml")
    rules = tmp_path / "repo/.sops.yaml"
    rules.write_text("creation_rules: []\n")
    assert find_creation_rule(root, settings, "m/a.yaml").build_arguments("m/a.yaml") == (
        "--config", str(rules), "encrypt", "--filename-override", str(root / "m/a.yaml"),
    )  # fmt: skip


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
