"""The command ``keyturn import``: the first plan after an import is empty."""

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
    {"name": "prod-bare", "type": "aws", "config": {"region": "eu-central-1"}},
]


@pytest.fixture
def lived_in(setup, canary):
    """Return a setup whose workspace was filled in the UI."""
    secret = canary()
    setup.service.seed_objects(
        credentials=[
            {
                **each,
                "config": {key: secret if value == "@" else value for key, value in each["config"].items()},
            }
            for each in CREDENTIALS
        ]
    )
    ids = {each["name"]: each["id"] for each in setup.service.read_state()["credentials"]}
    setup.service.seed_objects(
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
    (setup.repo.root / "manifests/prod").mkdir(parents=True)
    return setup


DEPLOYMENTS = {
    "docs": {},
    "backend": {"dialect": "backend"},
    "backend, link accepted": {"dialect": "backend", "backend_link": "accept"},
    "backend, no link": {"dialect": "backend", "backend_link": "ignore"},
    "jsonapi": {"dialect": "jsonapi"},
    "numbers as text": {"stringify": True},
    "null for secrets": {"reply_secrets": "null"},
    "masked": {"reply_secrets": "mask"},
    "leaked": {"reply_secrets": "leak"},
    "pages of two": {"page_size": 2},
    "deleted are listed": {"list_deleted": True},
    "more fields": {"extra_fields": True},
    "trims and lowers": {"normalise": ("trim", "lower", "defaults", "order")},
}


@pytest.mark.parametrize("setup", DEPLOYMENTS.values(), ids=DEPLOYMENTS.keys(), indirect=True)
def test_the_first_plan_after_an_import_is_empty(lived_in, request):
    """Every dialect: all objects are imported by name, and the plan is empty."""
    lived_in.repo.project(policy={"rules": {"KT350": "off"}})
    linked = "link" not in request.node.name
    links = [] if linked else ["--credential", "prod-pg=prod-db", "--credential", "prod-flake=prod-db"]
    done = lived_in.repo.run_in_process("import", "--all", *links)
    assert done.code == 3, done.stdout + done.stderr
    assert "credential/prod-bare: skipped: its fields do not match the schema" in done.stdout
    assert names_in(lived_in, "manifests/prod") == ["prod-db", "prod-flake", "prod-pg", "prod-s3"], (
        done.stdout
    )
    flake = (lived_in.repo.root / "manifests/prod/connections/prod-flake.yaml").read_text()
    assert "credential: prod-db" in flake
    assert "ref: credential/prod-s3" in flake
    checked = lived_in.repo.run_in_process("validate")
    assert checked.code == 0, checked.stdout
    plan = lived_in.repo.run_in_process("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.stdout + plan.stderr
    before = lived_in.service.list_requests()[-1]["number"]
    assert lived_in.repo.run_in_process("apply", "--auto-approve").code == 0
    assert not [
        each for each in lived_in.service.list_requests(before) if each["write"] and each["method"] != "GET"
    ]


def test_a_second_import_adds_only_new_objects(lived_in):
    """No file is written twice."""
    lived_in.repo.run_in_process("import", "--all")
    written = {path: path.read_bytes() for path in (lived_in.repo.root / "manifests").rglob("*.yaml")}
    again = lived_in.repo.run_in_process("import", "prod-[!b]*")
    assert again.code == 0, again.stdout
    assert again.stdout == "Imported 0 of 0.\n"
    lived_in.service.seed_objects(
        credentials=[{"name": "prod-late", "type": "password", "config": {"username": "late"}}]
    )
    third = lived_in.repo.run_in_process("import", "prod-l*")
    assert third.code == 0, third.stdout + third.stderr
    assert third.stdout.startswith("import credential/prod-late: ")
    assert third.stdout.endswith("Imported 1 of 1.\n")
    assert {path: path.read_bytes() for path in written} == written
    assert lived_in.repo.run_in_process("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("setup", [{"accept_unknown_type": True, "reply_secrets": "leak"}], indirect=True)
def test_unknown_types(lived_in, canary):
    """An unknown connector is imported without fields that look secret; an unknown credential is skipped."""
    config = {"endpoint": "https://x.example.com", "api_token": canary(), "depth": 3}
    lived_in.service.seed_objects(
        connections=[{"name": "prod-odd", "type": "vendor-x", "config": config}],
        credentials=[{"name": "prod-strange", "type": "quantum", "config": {"realm": "r"}}],
    )
    done = lived_in.repo.run_in_process("import", "prod-odd", "prod-strange")
    assert done.code == 3, done.stdout + done.stderr
    assert (
        "credential/prod-strange: skipped: its fields do not match the schema of type quantum" in done.stdout
    )
    assert "config.api_token: the service returns a mask or a possible secret" in done.stdout
    text = (lived_in.repo.root / "manifests/prod/connections/prod-odd.yaml").read_text()
    assert "api_token" not in text
    assert "depth: 3" in text
    assert lived_in.repo.run_in_process("validate").code == 0
    assert lived_in.repo.run_in_process("plan", "--detailed-exitcode").code == 0


def test_a_kept_secret_is_set_later(lived_in, canary):
    """``keyturn secret set`` writes the value, and the next plan sets it."""
    lived_in.repo.project(policy={"recipients": {"manifests/prod": [lived_in.repo.age.recipient]}})
    lived_in.repo.run_in_process("import", "--all")
    done = lived_in.repo.run_in_process("secret", "set", "prod-db", "password", stdin=canary())
    assert done.code == 0, done.stderr
    plan = lived_in.repo.run_in_process("plan", "--detailed-exitcode")
    assert plan.code == 2, plan.stderr
    assert "set" in plan.stdout


def names_in(setup, folder):
    """Return the names of the manifests below a folder."""
    return sorted(path.stem for path in (setup.repo.root / folder).rglob("*.yaml"))


@pytest.fixture
def several(setup, canary):
    """Return a setup whose organization holds two environments, described in two folders."""
    config = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}
    setup.service.seed_objects(
        credentials=[
            {"name": name, "type": "database", "config": {**config, "password": canary()}}
            for name in ("prod-db", "dev-db", "shared-db")
        ]
    )
    setup.repo.project(manifests=["manifests/prod", "manifests/dev"])
    for folder in ("prod", "dev", "prod/shared"):
        (setup.repo.root / "manifests" / folder).mkdir(parents=True, exist_ok=True)
    return setup


def test_environments_have_their_own_folders(several):
    """The prefix of a name, or its labels, select the folder."""
    done = several.repo.run_in_process("import", "--all")
    assert done.code == 0, done.stdout + done.stderr
    assert names_in(several, "manifests/dev") == ["dev-db"]
    assert names_in(several, "manifests/prod") == ["prod-db", "shared-db"]
    assert "environment: dev" in (several.repo.root / "manifests/dev/credentials/dev-db.yaml").read_text()
    assert several.repo.run_in_process("plan", "--detailed-exitcode").code == 0


def test_a_map_selects_the_folder_of_a_prefix(several):
    """The longest prefix wins; a folder outside of the workspace is an error."""
    words = ["--map", "s=manifests/dev", "--map", "shared-=manifests/prod/shared"]
    done = several.repo.run_in_process("import", "--all", *words)
    assert done.code == 0, done.stdout + done.stderr
    assert names_in(several, "manifests/prod/shared") == ["shared-db"]
    refused = several.repo.run_in_process("import", "--all", "--map", "prod-=elsewhere")
    assert (refused.code, "KT073" in refused.stderr) == (1, True)
    assert several.repo.keyturn("import", "--all", "--map", "prod-").code == 64


def test_an_existing_manifest_is_not_written_again(several, canary):
    """A manifest in any folder is adopted."""
    several.repo.credential("dev-db", {"password": canary()})
    done = several.repo.run_in_process("import", "--all")
    assert done.code == 3
    assert "manifests/prod/credentials/dev-db.yaml already has a manifest of this name" in done.stdout
    assert names_in(several, "manifests/dev") == []


def test_validate_notes_kept_secrets(lived_in):
    """``keyturn validate`` notes the secrets that git does not have, and exits 0."""
    lived_in.repo.run_in_process("import", "prod-db")
    checked = lived_in.repo.run_in_process("validate", "--strict")
    assert "KT074" in checked.stdout
    assert "password keeps its live value" in checked.stdout


@pytest.mark.parametrize("setup", [{"dialect": "backend", "backend_link": "ignore"}], indirect=True)
def test_an_api_without_credential_links(lived_in):
    """The link is given on the command line or edited later; the plan is empty both times."""
    place = {"host": "db.example.com", "port": "5432", "database": "second"}
    lived_in.service.seed_objects(connections=[{"name": "prod-second", "type": "postgres", "config": place}])
    done = lived_in.repo.run_in_process("import", "--all", "--credential", "prod-pg=prod-db")
    assert done.stdout.count("the API does not return its credential") == 2
    assert (
        "credential: prod-db" in (lived_in.repo.root / "manifests/prod/connections/prod-pg.yaml").read_text()
    )
    plan = lived_in.repo.run_in_process("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.stdout


@pytest.mark.parametrize("setup", [{"reply_secrets": "mask"}, {"reply_secrets": "leak"}], indirect=True)
def test_a_secret_in_a_reply_is_not_written(lived_in):
    """Neither a mask nor the value is written; the field is kept."""
    done = lived_in.repo.run_in_process("import", "prod-db")
    assert done.code == 0, done.stdout
    text = (lived_in.repo.root / "manifests/prod/credentials/prod-db.yaml").read_text()
    assert "keep: [password]" in text
    assert "***" not in text
