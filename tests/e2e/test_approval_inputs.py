"""Approvals end to end: moved settings, runs that died half-way, consents, dirty trees, refused plans."""

import json
import re
import shlex

import pytest

from git_history import commit_all, run_git
from planasonix_emulator.server import Emulator
from subprocess_runner import CommandResult

NO_CONNECTION = {
    "kind": "status_before",
    "method": "POST",
    "path": "/api/connections",
    "status": 422,
    "code": "no",
}
"""The service refuses each new connection."""


def plan_json(setup, *arguments):
    """Return the plan as JSON."""
    done = setup.run("plan", "--format", "json", *arguments)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def read_digest(setup, *arguments):
    """Return the digest to approve."""
    return plan_json(setup, *arguments)["approval"]["digest"]


def flatten(done: CommandResult) -> str:
    """Return what a command said on the error stream, without folds."""
    return " ".join(done.stderr.split())


@pytest.fixture
def waiting(setup, canary):
    """Return a setup in git in which two credentials and their connections wait for an apply."""
    (setup.repo.root / ".gitignore").write_text("*.kt\n.keyturn/prod/\n")
    for name in ("prod-east", "prod-west"):
        setup.repo.credential(name, {"password": canary()})
        setup.repo.connection(f"{name}-pg", name)
    commit_all(setup)
    return setup


@pytest.mark.parametrize("approval", ["digest", "saved plan"])
@pytest.mark.parametrize("is_shallow", [False, True])
def test_a_moved_address_gets_no_request(waiting, approval, is_shallow):
    """The refusal names both addresses, where git knows the approved one, and no key leaves the machine."""
    digest = read_digest(waiting)
    assert waiting.run("plan", "--out", "plan.kt").code == 0
    with Emulator.start(organization=waiting.service.organization, key=waiting.service.key) as other:
        before, waiting.repo.base_url = waiting.repo.base_url, other.base_url
        waiting.repo.project()
        if is_shallow:
            (waiting.repo.root / ".git").rename(waiting.repo.root.parent / "git")
        commit_all(waiting)
        given = ("--approve", digest) if approval == "digest" else ("plan.kt",)
        done = waiting.run("apply", *given)
        assert done.code == 4
        said = flatten(done)
        assert "error[KT652]: the settings moved since the approval" in said
        if is_shallow and approval == "digest":
            assert f"base_url is {other.base_url}" in said
        else:
            assert f"base_url: was {before}, is {other.base_url}" in said
        assert other.list_requests() == []


def test_a_run_that_ended_half_way_continues(waiting):
    """The same digest applies the rest, a third time it has nothing to do, and the journal names it."""
    digest = read_digest(waiting)
    waiting.service.set_faults([NO_CONNECTION])
    assert waiting.run("apply", "--approve", digest).code == 3
    waiting.service.set_faults([])
    done = waiting.run("apply", "--approve", digest)
    assert done.code == 0, done.stderr
    assert "did not finish: this run does what is left" in flatten(done)
    assert set(waiting.live("connections")) == {"prod-east-pg", "prod-west-pg"}
    assert waiting.run("apply", "--approve", digest).code == 0
    assert waiting.run("log").stdout.count(digest) == 3


@pytest.mark.parametrize("collection", ["credentials", "connections"])
@pytest.mark.parametrize("kind", ["drop_after", "status_after"])
def test_a_request_without_an_answer_continues(waiting, collection, kind):
    """The object exists or not; the rerun finds out, and writes it as approved, once."""
    digest = read_digest(waiting)
    fault = {"kind": kind, "method": "POST", "path": f"/api/{collection}", "status": 500, "times": 0}
    waiting.service.set_faults([fault])
    assert waiting.run("apply", "--approve", digest).code in {0, 3}
    waiting.service.set_faults([])
    done = waiting.run("apply", "--approve", digest)
    assert done.code == 0, done.stderr
    assert set(waiting.live()) == {"prod-east", "prod-west"}
    assert set(waiting.live("connections")) == {"prod-east-pg", "prod-west-pg"}
    names = [each["name"] for each in waiting.service.read_state()[collection]]
    assert len(names) == len(set(names))
    assert waiting.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("kind", ["status_before", "drop_after"])
def test_a_rotation_and_a_retirement_continue(waiting, canary, kind):
    """Both were approved; the object that the first run wrote has another version now."""
    assert waiting.run("apply", "--yes").code == 0
    waiting.repo.credential("prod-east", {"password": canary()})
    waiting.repo.remove("prod-west-pg")
    commit_all(waiting)
    digest = read_digest(waiting)
    for method in ("PUT", "DELETE"):
        fault = {"kind": kind, "method": method, "path": "/api/*", "status": 422, "times": 0}
        waiting.service.set_faults([fault])
        assert waiting.run("apply", "--approve", digest).code in {0, 1, 3}
    waiting.service.set_faults([])
    done = waiting.run("apply", "--approve", digest)
    assert done.code == 0, done.stderr
    assert set(waiting.live("connections")) == {"prod-east-pg"}
    assert waiting.run("plan", "--detailed-exitcode").code == 0


def test_a_saved_plan_continues_as_well(waiting):
    """A saved plan is an approval like a digest."""
    assert waiting.run("plan", "--out", "plan.kt").code == 0
    waiting.service.set_faults([NO_CONNECTION])
    assert waiting.run("apply", "plan.kt").code == 3
    waiting.service.set_faults([])
    assert waiting.run("apply", "plan.kt").code == 0
    assert len(waiting.live("connections")) == 2


@pytest.mark.parametrize("moved", ["manifest", "new manifest", "option", "live object", "other apply"])
def test_a_rerun_does_nothing_that_was_not_approved(waiting, canary, moved):
    """Whatever moved since the approval ends the approval."""
    digest = read_digest(waiting)
    waiting.service.set_faults([NO_CONNECTION])
    assert waiting.run("apply", "--approve", digest).code == 3
    waiting.service.set_faults([])
    more = []
    place = {"host": "db.example.com", "port": 5432, "database": "second"}
    if moved == "manifest":
        waiting.repo.connection("prod-east-pg", "prod-east", place)
    elif moved == "new manifest":
        waiting.repo.connection("prod-extra", "prod-east")
    elif moved == "option":
        more = ["--allow-retire", "3"]
    elif moved == "live object":
        waiting.service.edit_in_ui("credentials", "prod-east", config={"username": "eve"})
    else:
        waiting.repo.credential("prod-other", {"password": canary()})
        assert waiting.run("apply", "--yes", "--target", "prod-other").code == 0
        waiting.repo.remove("prod-other")
    commit_all(waiting)
    writes = waiting.count_writes()
    done = waiting.run("apply", "--approve", digest, *more)
    assert done.code == 4, done.stderr
    assert "error[KT652]" in done.stderr
    assert waiting.count_writes() == writes


def test_the_printed_command_works_when_pasted(waiting):
    """It has the targets and consents of the plan, quoted for a shell."""
    assert waiting.run("apply", "--yes").code == 0
    waiting.repo.remove("prod-east-pg", "prod-west-pg", "prod-east")
    commit_all(waiting)
    assert waiting.run("plan").code == 5
    shown = waiting.run("plan", "--allow-retire", "3", "--no-test", "--target", "*prod-*")
    assert shown.code == 0
    (command,) = re.findall("^Approve with: (.+)$", shown.stdout, re.MULTILINE)
    program, *arguments = shlex.split(command)
    assert program == "keyturn"
    assert {"--allow-retire=3", "--no-test", "--target=*prod-*"} < set(arguments)
    assert waiting.run(*arguments[:3]).code != 0
    assert waiting.run(*arguments).code == 0
    assert set(waiting.live()) == {"prod-west"}
    consents = "--allow-retire=3 --no-test --target=*prod-*"
    assert f"{arguments[2]} {consents}" in waiting.run("log").stdout


def test_the_command_names_the_workspace_and_the_folder(waiting):
    """Where the project has several workspaces, and where the plan named its folder."""
    workspace = {
        "base_url": waiting.repo.base_url,
        "organization": waiting.repo.organization,
        "api_key": {"env": "PLANASONIX_API_KEY"},
        "manifests": ["manifests/prod"],
    }
    (waiting.repo.root / "keyturn.yaml").write_text(
        json.dumps({"version": 1, "workspaces": {"prod": workspace, "stage": workspace}})
    )
    folder = str(waiting.repo.root)
    shown = waiting.run("plan", "--workspace", "stage", "--chdir", folder).stdout
    assert f"keyturn apply --chdir {folder} --workspace stage --approve kt2-" in shown


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html", "summary"])
@pytest.mark.parametrize("flags", [(), ("--detailed-exitcode",), ("--out", "plan.kt"), ("--offline",)])
def test_a_plan_that_would_be_refused(waiting, form, flags):
    """Exit 5 in every form; a next step, and nothing to approve."""
    assert waiting.run("apply", "--yes").code == 0
    (waiting.repo.root / "state.json").write_bytes(
        (waiting.repo.root / ".keyturn/prod/state.json").read_bytes()
    )
    waiting.repo.remove("prod-east-pg", "prod-west-pg", "prod-east")
    offline = ("--state", "state.json") if flags == ("--offline",) else ()
    done = waiting.run("plan", "--format", form, *flags, *offline)
    assert done.code == 5
    assert "kt2-" not in done.stdout
    if form == "json":
        approval = json.loads(done.stdout)["approval"]
        assert approval["digest"] is None
        assert any("--allow-retire 3" in step for step in approval["next_steps"])
    else:
        assert "--allow-retire 3" in done.stdout.replace("\\", "")
    if flags[:1] == ("--out",):
        assert "kt2-" not in waiting.run("show", "plan.kt").stdout
        assert waiting.run("apply", "plan.kt").code == 5


def test_a_target_of_nothing(waiting):
    """No empty plan that looks like success; the nearest name helps."""
    for flags in ((), ("--detailed-exitcode",), ("--format", "json"), ("--offline", "--base", "HEAD")):
        done = waiting.run("plan", "--target", "prod-eats", *flags)
        assert done.code == 1
        assert "KT460" in done.stderr
        assert "did you mean prod-east?" in flatten(done)


def test_the_drift_job_sees_a_secret_that_was_changed(waiting):
    """No visible field differs, but the object was written."""
    assert waiting.run("apply", "--yes").code == 0
    for flags in (("--refresh-only",), ()):
        assert waiting.run("plan", *flags, "--detailed-exitcode").code == 0
    waiting.service.set_clock(advance=60)
    waiting.service.edit_in_ui("credentials", "prod-east", config={"password": "typed-by-somebody"})
    for flags in (("--refresh-only",), ()):
        assert waiting.run("plan", *flags, "--detailed-exitcode").code == 2
        assert waiting.run("plan", *flags).code == 0


def test_an_apply_of_a_dirty_tree_says_so(waiting):
    """Report, journal and log name it; a clean tree has no such word."""
    assert waiting.run("apply", "--yes").code == 0
    assert "uncommitted" not in waiting.run("log").stdout
    place = {"host": "db.example.com", "port": 5432, "database": "second"}
    waiting.repo.connection("prod-east-pg", "prod-east", place)
    done = waiting.run("apply", "--yes")
    assert done.code == 0
    assert "not in the commit: manifests/prod/connections/prod-east-pg.yaml" in " ".join(done.stdout.split())
    assert waiting.run("log").stdout.count("with uncommitted changes") == 1
    runs = [
        each for each in json.loads(waiting.run("log", "--format", "json").stdout) if each["event"] == "run"
    ]
    assert [each["dirty"] for each in runs] == [False, True]
    assert [each["approval"]["digest"][:4] for each in runs] == ["kt2-", "kt2-"]


def test_an_older_commit_does_not_undo_a_newer_one(waiting):
    """A job that runs again is refused; a consent or a revert in git is accepted."""
    assert waiting.run("apply", "--yes").code == 0
    place = {"host": "db.example.com", "port": 5432, "database": "second"}
    waiting.repo.connection("prod-east-pg", "prod-east", place)
    waiting.repo.connection("prod-third-pg", "prod-west")
    commit_all(waiting)
    assert waiting.run("apply", "--yes").code == 0
    run_git(waiting, "checkout", "-q", "HEAD~1")
    done = waiting.run("apply", "--yes")
    assert done.code == 5
    said = flatten(done)
    assert "KT478" in said
    assert "2 changes would undo it: update connection/prod-east-pg, retire connection/prod-third-pg" in said
    shown = waiting.run("plan", "--allow-older-commit", "--target", "prod-east-pg")
    assert shown.code == 0
    assert "--allow-older-commit --target=prod-east-pg" in shown.stdout
    run_git(waiting, "checkout", "-q", "main")
    run_git(waiting, "revert", "--no-edit", "HEAD")
    assert waiting.run("apply", "--yes").code == 0


def test_a_repair_by_an_older_commit_undoes_nothing(waiting):
    """What was changed in the UI is set back; the manifest is the one that was applied."""
    assert waiting.run("apply", "--yes").code == 0
    place = {"host": "db.example.com", "port": 5432, "database": "second"}
    waiting.repo.connection("prod-east-pg", "prod-east", place)
    commit_all(waiting)
    waiting.repo.connection("prod-west-pg", "prod-west", place)
    commit_all(waiting)
    assert waiting.run("apply", "--yes").code == 0
    run_git(waiting, "checkout", "-q", "HEAD~1")
    waiting.service.edit_in_ui("connections", "prod-east-pg", config={"database": "typed"})
    assert waiting.run("apply", "--yes", "--target", "prod-east-pg").code == 0
    assert waiting.run("apply", "--yes", "--target", "prod-west-pg").code == 5


def test_the_policy_can_refuse_a_dirty_tree(waiting):
    """An untracked manifest counts; nothing is sent."""
    waiting.repo.project(policy={"uncommitted": "refuse"})
    commit_all(waiting)
    waiting.repo.connection("prod-new", "prod-east")
    requests = len(waiting.service.list_requests())
    done = waiting.run("apply", "--yes", "--format", "json")
    assert done.code == 5
    assert "KT486" in done.stderr
    assert "prod-new.yaml" in done.stderr
    assert len(waiting.service.list_requests()) == requests
    commit_all(waiting)
    assert waiting.run("apply", "--yes").code == 0
