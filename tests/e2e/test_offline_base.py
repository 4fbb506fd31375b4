"""Offline plans whose base differs in more than manifests, and clones that lack manifests."""

import json
import subprocess

import pyrage
import pytest

from git_history import commit_all, make_keyless_environment, run_git

CONNECTION = "connections/prod-pg.yaml"
CREDENTIAL = "manifests/prod/credentials/prod-db.yaml"


@pytest.fixture
def branch(setup, canary):
    """Return a setup with a committed base on main, on a branch of its own."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    commit_all(setup)
    run_git(setup, "checkout", "-q", "-b", "change")
    return setup


def offline(setup, *more, code=0):
    """Plan offline without any key; return the JSON form."""
    environment = make_keyless_environment(setup)
    done = setup.repo.run_in_process("plan", "--offline", "--format", "json", *more, env=environment)
    assert done.code == code, done
    return json.loads(done.stdout)


def move_folder(setup):
    """Move the folder of manifests and say so in keyturn.yaml."""
    run_git(setup, "mv", "manifests/prod", "manifests/live")
    project = setup.repo.root / "keyturn.yaml"
    project.write_text(project.read_text().replace("manifests/prod", "manifests/live"))


def test_a_moved_folder_changes_no_resource(branch):
    """Nothing is created or retired, and nobody gains access; only the setting changed."""
    move_folder(branch)
    plan = offline(branch)
    assert plan["resource_changes"] == []
    assert [each["code"] for each in plan["access"]] == ["KT483"]
    assert "workspaces.prod.manifests" in plan["access"][0]["message"]


def test_a_moved_folder_hides_no_exposure(branch):
    """The host changes in the same commit: an update that sends the old secret elsewhere."""
    move_folder(branch)
    path = branch.repo.root / "manifests/live" / CONNECTION
    path.write_text(path.read_text().replace("db.example.com", "evil.example.com"))
    plan = offline(branch, "--fail-on", "exposure", code=5)
    assert [each["change"]["actions"] for each in plan["resource_changes"]] == [["update"]]
    assert [each["address"] for each in plan["exposures"]] == ["credential/prod-db"]


def test_a_plan_with_keys_follows_the_folder_too(branch):
    """Its access review compares each file with itself."""
    move_folder(branch)
    done = branch.run("plan", "--format", "json")
    assert [each["code"] for each in json.loads(done.stdout)["access"]] == ["KT483"]


def test_a_renamed_workspace_is_the_same(branch):
    """The plan says which workspace of the base it is."""
    project = branch.repo.root / "keyturn.yaml"
    project.write_text(project.read_text().replace("  prod:\n", "  live:\n"))
    plan = offline(branch)
    assert plan["resource_changes"] == []
    assert [each["message"] for each in plan["findings"]] == [
        "workspace live is prod of the base: it has the same organization"
    ]
    assert [each["message"] for each in plan["access"]] == ["this change modifies workspaces.live.state"]


def test_an_invalid_manifest_of_the_base_is_said(branch):
    """The resource is compared as new."""
    path = branch.repo.root / "manifests/prod" / CONNECTION
    good = path.read_text()
    path.write_text(good.replace("type: postgres", "type: 7"))
    commit_all(branch)
    path.write_text(good)
    plan = offline(branch, "--base", "HEAD")
    assert [each["action"] for each in plan["resource_changes"]] == ["create"]
    assert [(each["code"], each["severity"]) for each in plan["findings"]] == [("KT489", "warning")]


def test_the_base_is_in_the_plan(branch):
    """As commit, revision and reason."""
    run_git(branch, "update-ref", "refs/remotes/origin/main", "main")
    run_git(branch, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    base = offline(branch)["base"]
    assert (base["revision"], base["reason"], base["variable"], base["notes"]) == (
        "origin/main", "merge_base", None, []
    )  # fmt: skip
    named = offline(branch, "--base", "main")["base"]
    assert (named["commit"], named["revision"], named["reason"]) == (base["commit"], "main", "named")


@pytest.mark.parametrize("mode", ["--offline", "online"])
def test_a_sparse_checkout_retires_nothing(branch, mode):
    """Git holds the connection; the work tree does not."""
    run_git(branch, "sparse-checkout", "set", "--cone", "manifests/prod/credentials", ".keyturn")
    assert not (branch.repo.root / "manifests/prod" / CONNECTION).exists()
    done = branch.run("plan", *(["--offline"] if mode == "--offline" else []))
    assert done.code == 1
    assert "KT127" in done.stderr
    assert "git sparse-checkout add manifests/prod" in " ".join(done.stderr.split())
    assert done.stdout == ""


def test_an_apply_of_a_sparse_checkout_writes_nothing(branch):
    """The same check, before the first request."""
    run_git(branch, "sparse-checkout", "set", "--cone", "manifests/prod/credentials", ".keyturn")
    assert branch.run("apply", "--yes").code == 1
    assert branch.count_writes() == 0


def encrypt_for_groups(setup, sops, keys, *groups, threshold):
    """Encrypt the credential again for key groups."""
    path = setup.repo.root / CREDENTIAL
    rule = {
        "encrypted_regex": "^secrets$",
        "shamir_threshold": threshold,
        "key_groups": [{"age": [keys[letter] for letter in group]} for group in groups],
    }
    rules = setup.repo.home / "rules.yaml"
    rules.write_text(json.dumps({"creation_rules": [rule]}))
    plain = {"kind": "credential", "name": "prod-db", "type": "database", "secrets": {"password": "x"}}
    plain["config"] = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}
    types = ("--input-type", "yaml", "--output-type", "yaml")
    command = [str(sops), "--config", str(rules), "encrypt", *types, "/dev/stdin"]
    done = subprocess.run(command, input=json.dumps(plain).encode(), check=True, capture_output=True)
    path.write_bytes(done.stdout)


@pytest.mark.parametrize(
    ("groups", "threshold"), [(("AB",), 0), (("A", "B", "C"), 2), (("AC", "B"), 2), (("A", "B", "C"), 3)]
)
def test_a_change_of_key_groups_is_an_access_change(branch, sops, groups, threshold):
    """Two groups at the base, both needed: fewer, more or other ones change who can decrypt."""
    keys = {letter: str(pyrage.x25519.Identity.generate().to_public()) for letter in "ABC"}
    encrypt_for_groups(branch, sops, keys, "A", "B", threshold=2)
    commit_all(branch)
    assert offline(branch, "--base", "HEAD", "--fail-on", "access")["access"] == []
    encrypt_for_groups(branch, sops, keys, *groups, threshold=threshold)
    plan = offline(branch, "--base", "HEAD", "--fail-on", "access", code=5)
    assert "KT487" in [each["code"] for each in plan["access"]]
