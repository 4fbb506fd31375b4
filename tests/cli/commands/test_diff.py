"""keyturn diff."""

import pytest
import yaml

from published_schemas import parse_valid


@pytest.fixture
def two(setup):
    """Return a setup with two workspaces, one of them empty."""
    setup.repo.credential(
        "prod-role", {}, {"region": "r", "role_arn": "arn:aws:iam::123456789012:role/r"}, type="aws"
    )
    file = setup.repo.root / "keyturn.yaml"
    tree = yaml.safe_load(file.read_text())
    tree["workspaces"]["dev"] = {
        **tree["workspaces"]["prod"],
        "api_key": {"env": "K"},
        "manifests": ["manifests/dev"],
    }
    file.write_text(yaml.safe_dump(tree))
    (setup.repo.root / "manifests/dev").mkdir()
    return setup


def test_forms(two):
    """For people and for programs."""
    done = two.run("diff", "--from", "dev", "--to", "prod")
    assert done.stdout.splitlines()[0] == "+ credential/prod-role  only in prod"
    tree = parse_valid("diff", two.run("diff", "--from", "dev", "--to", "prod", "--format", "json").stdout)
    assert tree["resources"][0]["only_in"] == "to"


@pytest.mark.parametrize(("flags", "code"), [([], 0), (["--detailed-exitcode"], 2)])
def test_exit_codes(two, flags, code):
    """A difference is no fault."""
    assert two.run("diff", "--from", "dev", "--to", "prod", *flags).code == code


def test_one_workspace_is_not_two(two):
    """Usage."""
    assert two.run("diff", "--from", "dev", "--to", "dev").code == 64
    assert two.run("diff", "--from", "dev").code == 64
