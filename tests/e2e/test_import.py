"""A workspace that was made in the UI becomes a repository, and the first plan is empty."""

import pytest

CREDENTIALS = [
    {
        "name": "prod-db",
        "type": "database",
        "config": {
            "engine": "postgresql",
            "host": "db.example.com",
            "port": 5432,
            "username": "svc",
            "password": "@",
        },
    },
    {
        "name": "prod-s3",
        "type": "aws",
        "config": {"region": "eu-central-1", "role_arn": "arn:aws:iam::123456789012:role/r"},
    },
    {"name": "Prod Röd/1", "type": "password", "config": {"username": "u", "password": "@"}},
]


@pytest.fixture
def lived_in(office, canary):
    """Return an office whose workspace somebody filled in the UI."""
    secret = canary()
    office.service.seed(
        credentials=[
            {
                **each,
                "config": {key: secret if value == "@" else value for key, value in each["config"].items()},
            }
            for each in CREDENTIALS
        ]
    )
    ids = {each["name"]: each["id"] for each in office.service.state()["credentials"]}
    office.service.seed(
        connections=[
            {
                "name": "prod-pg",
                "type": "postgres",
                "credentialId": ids["prod-db"],
                "config": {"host": "db.example.com", "port": 5432, "database": "app"},
            },
            {
                "name": "prod-flake",
                "type": "snowflake",
                "credentialId": ids["prod-db"],
                "config": {
                    "account": "xy1",
                    "warehouse": "W",
                    "staging": {"credentialId": ids["prod-s3"], "bucket": "b"},
                },
            },
        ]
    )
    (office.repo.root / "manifests/prod").mkdir(parents=True)
    return office


@pytest.mark.parametrize("office", [{}, {"dialect": "jsonapi"}], indirect=True, ids=["docs", "jsonapi"])
def test_the_first_plan_after_an_import_is_empty(lived_in):
    """Everything that can be imported is, references by name, and nothing is left to do."""
    done = lived_in.repo.inside("import", "--all")
    assert done.code == 3, done.stdout + done.stderr
    assert "prod-flake.yaml" in done.stdout, done.stdout
    assert "cannot be the name of a file" in done.stdout
    flake = (lived_in.repo.root / "manifests/prod/connections/prod-flake.yaml").read_text()
    assert "credential: " in flake
    assert "prod-db" in flake
    assert "credential/prod-s3" in flake
    checked = lived_in.repo.inside("validate")
    assert checked.code == 0, checked.stdout
    plan = lived_in.repo.inside("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.stdout + plan.stderr


def test_a_second_import_brings_in_only_what_is_new(lived_in):
    """Run again, nothing is written twice."""
    lived_in.repo.inside("import", "--all")
    again = lived_in.repo.inside("import", "prod-*")
    assert again.code == 0, again.stdout
    assert "Imported 0 of 0." in again.stderr


def test_a_kept_secret_is_set_later(lived_in, canary):
    """Secret set puts the value into git; the next plan sets it."""
    lived_in.repo.project(policy={"recipients": {"manifests/prod": [lived_in.repo.age.recipient]}})
    lived_in.repo.inside("import", "--all")
    done = lived_in.repo.inside("secret", "set", "prod-db", "password", stdin=canary())
    assert done.code == 0, done.stderr
    plan = lived_in.repo.inside("plan", "--detailed-exitcode")
    assert plan.code == 2, plan.stderr
    assert "set" in plan.stdout
