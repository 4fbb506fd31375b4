"""For whom a new file is encrypted."""

import pytest

from keyturn.core.diagnostic import Faulty
from keyturn.load.recipe import Recipe, recipe_for
from keyturn.policy.settings import Settings

_AGE = "age1" + "q" * 58
_PGP = "A" * 40


def test_policy_comes_before_rules(tmp_path):
    """The recipients that policy names for the path are taken; .sops.yaml where it names none."""
    (tmp_path / ".sops.yaml").write_text("creation_rules: []\n")
    settings = Settings(recipients={"prod": (_AGE, _PGP)})
    assert recipe_for(tmp_path, settings, "prod/a.yaml") == Recipe(age=(_AGE,), pgp=(_PGP,))
    assert recipe_for(tmp_path, settings, "dev/a.yaml") == Recipe(rules=tmp_path / ".sops.yaml")


def test_other_kinds_of_recipients_need_rules(tmp_path):
    """A KMS key takes more than its name, so the rules of sops must say it."""
    settings = Settings(recipients={"": (_AGE, "arn:aws:kms:x")})
    with pytest.raises(Faulty) as caught:
        recipe_for(tmp_path, settings, "a.yaml")
    assert caught.value.findings[0].code == "KT227"
    (tmp_path / ".sops.yaml").write_text("creation_rules: []\n")
    assert recipe_for(tmp_path, settings, "a.yaml").rules == tmp_path / ".sops.yaml"


def test_without_rules_all_of_secrets_is_encrypted(tmp_path):
    """The arguments name the recipients and the selector, and no configuration of a parent folder."""
    assert Recipe(age=(_AGE, "x"), pgp=(_PGP,)).arguments("m.yaml") == (
        "--config", "/dev/null", "encrypt", "--age", f"{_AGE},x", "--pgp", _PGP, "--encrypted-regex",
        "^secrets$",
    )  # fmt: skip
    rules = tmp_path / ".sops.yaml"
    assert Recipe(rules=rules).arguments("m/a.yaml") == (
        "--config", str(rules), "encrypt", "--filename-override", str(tmp_path / "m/a.yaml"),
    )  # fmt: skip
