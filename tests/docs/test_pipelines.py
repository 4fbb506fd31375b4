"""Pipelines for users: every script runs as its runner would run it, with real git and the emulator."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from keys import AgeKey
from keyturn.operations.init_templates import GITHUB_WORKFLOW
from keyturn.operations.init_templates import GITLAB_PIPELINE as FIRST
from pipelines import Runner, scripts
from planasonix_emulator.server import Emulator
from sources import ROOT
from workspace import Repository

CI = ROOT / "examples" / "ci"
GITHUB = sorted((CI / "github").glob("*.yml"))
GITLAB = CI / "gitlab" / ".gitlab-ci.yml"
ZIZMOR = Path(sys.executable).parent / "zizmor"
SAME = "github.event.pull_request.head.repo.full_name == github.repository"
KEYS = ("PLANASONIX_API_KEY", "SOPS_AGE_KEY")


class Team:
    """A repository with a base on main and a branch that moves a database, and the service."""

    def __init__(self, ground: Path, age: AgeKey, service: Emulator, canary) -> None:
        self.ground, self.service = ground, service
        self.repo = Repository(ground / "repo", age, service.base_url, service.organization)
        self.repo.key = service.key
        (self.repo.root / ".gitignore").write_text(".keyturn/prod/\n")
        self.repo.credential("prod-db", {"password": canary()})
        self.repo.connection("prod-pg", "prod-db")
        self.base = self.commit("The base")
        canary.allow_environment("SOPS_AGE_KEY", "sops needs it")
        canary.allow(age.file, "the user's key")
        secret = next(line for line in age.file.read_text().splitlines() if line.startswith("AGE-SECRET"))
        self.keys = {"secrets.PLANASONIX_API_KEY": service.key, "secrets.SOPS_AGE_KEY": secret}

    def git(self, *words: str) -> str:
        """Run git; return what it says."""
        done = subprocess.run(
            ["git", "-c", "init.defaultBranch=main", *words],
            cwd=self.repo.root, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything; return the commit."""
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def runner(self, name: str, *, fork: bool = False, keys: bool = True, **always: str) -> Runner:
        """Return a machine with a ground of its own, and the repository as its clone."""
        ground = self.ground / name
        ground.mkdir()
        context = {
            SAME: "false" if fork else "true",
            "github.event.pull_request.base.sha": self.base,
            "github.event.pull_request.number": "7",
            "github.token": "token-of-the-run",
            **(self.keys if keys else dict.fromkeys(self.keys, "")),
        }
        told = {"GITHUB_REPOSITORY": "acme/access", **always}
        return Runner(clone=self.repo.root, ground=ground, context=context, always=told)

    def live(self) -> list[str]:
        """Return the names of what is live."""
        state = self.service.read_state()
        return sorted(each["name"] for kind in ("credentials", "connections") for each in state[kind])


@pytest.fixture
def team(tmp_path, age_key, canary):
    """Return a team with a running service."""
    with Emulator.start() as service:
        yield Team(tmp_path, age_key, service, canary)


def workflow(name):
    """Return the path of a workflow."""
    return CI / "github" / f"{name}.yml"


def test_init_writes_the_simplest_one():
    """What `keyturn init` writes is the first example, of both vendors."""
    assert workflow("keyturn").read_text() == GITHUB_WORKFLOW
    assert (CI / "gitlab" / "keyturn.yml").read_text() == FIRST


@pytest.mark.parametrize("text", [GITHUB_WORKFLOW, FIRST], ids=["github", "gitlab"])
def test_the_simplest_ones_say_why_a_state_needs_a_bucket(text):
    """The folder of a runner is temporary; the comment names the setting of a bucket."""
    assert "With `state: file:…`, the state is lost when the runner ends" in text
    assert "state: s3://bucket/prefix" in text


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.stem)
def test_workflows_are_careful(path):
    """No rights by default, no token left behind, nothing of an event pasted into a script."""
    tree = yaml.safe_load(path.read_text())
    assert tree["permissions"] in ({}, {"contents": "read"})
    for job in tree["jobs"].values():
        checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        assert checkouts
        assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert [script for script in scripts(tree) if "${{" in script] == []
    assert not re.search(r"pull_request_target|workflow_run", path.read_text())


@pytest.mark.skipif(not ZIZMOR.exists(), reason="zizmor is not installed")
@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.stem)
def test_zizmor_has_nothing_to_say(path):
    """The auditor of workflows finds nothing."""
    done = subprocess.run(
        [ZIZMOR, "--offline", "--no-progress", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [*GITHUB, GITLAB], ids=lambda path: path.stem)
def test_scripts_are_shell(path):
    """Bash takes every script."""
    tree = yaml.safe_load(path.read_text())
    found = (
        list(scripts(tree))
        if "jobs" in tree
        else ["\n".join(job["script"]) for job in tree.values() if "script" in job]
    )
    assert found
    for script in found:
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def event(team, *, fork):
    """Return what GitHub tells of a pull request."""
    place = team.ground / f"event-{fork}.json"
    head = "stranger/access" if fork else "acme/access"
    sides = {"head": head, "base": "acme/access"}
    request = {side: {"repo": {"full_name": name}} for side, name in sides.items()}
    place.write_text(json.dumps({"pull_request": request}))
    return {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(place)}


def test_a_fork_gets_its_plan_and_no_key(team):
    """Without any key: the summary holds the plan, nothing is commented, the service hears nothing."""
    team.git("checkout", "-q", "-b", "change")
    team.repo.connection("prod-more", "prod-db")
    team.commit("One more")
    before = len(team.service.list_requests())
    runner = team.runner("fork", fork=True, keys=False, **event(team, fork=True))
    steps = list(runner.github(workflow("pull-request"), "offline"))
    assert [step.code for step in steps] == [0] * 4, steps[-1]
    assert "1 to create" not in runner.comments()
    assert "connection/prod-more" in runner.summary()
    assert len(team.service.list_requests()) == before


def test_a_comment_is_kept_up_to_date(team):
    """The first run makes it, the second changes it, and a stranger's comment of that form is left alone."""
    team.git("checkout", "-q", "-b", "change")
    team.repo.connection("prod-more", "prod-db")
    team.commit("One more")
    runner = team.runner("pull", **event(team, fork=False))
    stranger = {"id": 1, "user": {"login": "stranger"}, "body": "<!-- keyturn:prod --> mine"}
    (runner.ground / "comments.json").write_text(json.dumps([stranger]))
    assert [step.code for step in runner.github(workflow("pull-request"), "offline")] == [0] * 5
    team.repo.connection("prod-third", "prod-db")
    team.commit("A third")
    assert [step.code for step in runner.github(workflow("pull-request"), "offline")] == [0] * 5
    first, second = json.loads(runner.comments())
    assert first == stranger
    assert "2 to create" in second["body"].replace("**", "")


def test_a_moved_secret_stops_the_pull_request(team):
    """The connection points the credential at another host: the last step fails with 5."""
    team.git("checkout", "-q", "-b", "change")
    team.repo.connection("prod-pg", "prod-db", {"host": "db.example.net", "port": 5432, "database": "app"})
    team.commit("Elsewhere")
    runner = team.runner("moved", fork=True, keys=False)
    assert [step.code for step in runner.github(workflow("pull-request"), "offline")] == [0, 0, 0, 5]
    assert "EXPOSES SECRET" in runner.summary()


def test_a_trusted_plan_uses_the_settings_of_the_base(team):
    """A branch that names an address of its own does not get the API key sent there."""
    team.git("checkout", "-q", "-b", "change")
    with Emulator.start() as other:
        text = (team.repo.root / "keyturn.yaml").read_text()
        (team.repo.root / "keyturn.yaml").write_text(text.replace(team.service.base_url, other.base_url))
        team.commit("My own service")
        runner = team.runner("trusted", **event(team, fork=False))
        assert [step.code for step in runner.github(workflow("pull-request"), "trusted")] == [0, 0]
        assert "2 to create" in runner.summary()
        assert other.list_requests() == []


def test_what_was_approved_is_applied_and_nothing_else(team):
    """Plan, approve, apply; with a digest of another plan, nothing is written."""
    planning = team.runner("plan")
    assert [step.code for step in planning.github(workflow("apply"), "plan")] == [0, 0]
    assert planning.outputs()["changes"] == "yes"
    digest = planning.outputs()["digest"]
    assert digest in planning.summary()
    runner = team.runner("apply")
    other = replace(runner, context={**runner.context, "needs.plan.outputs.digest": "kt1-" + "a" * 26})
    assert [step.code for step in other.github(workflow("apply"), "apply")] == [0, 4]
    assert team.live() == []
    approved = replace(runner, context={**runner.context, "needs.plan.outputs.digest": digest})
    assert [step.code for step in approved.github(workflow("apply"), "apply")] == [0, 0]
    assert team.live() == ["prod-db", "prod-pg"]
    again = team.runner("again")
    assert [step.code for step in again.github(workflow("apply"), "plan")] == [0, 0]
    assert again.outputs()["changes"] == "no"


def test_a_cancelled_job_ends_keyturn_itself(team):
    """The runner interrupts the step's process: with `exec` that is keyturn, which ends in good order."""
    tree = yaml.safe_load(workflow("apply").read_text())
    (script,) = (step["run"] for step in tree["jobs"]["apply"]["steps"] if step.get("name") == "Apply")
    plan = json.loads(team.repo.keyturn("plan", "--format", "json").stdout)
    team.service.change_settings(latency_ms=150)
    told = team.repo.environment(DIGEST=plan["approval"]["digest"])
    (team.ground / "step.sh").write_text(script)
    step = [shutil.which("bash"), "-e", str(team.ground / "step.sh")]
    with subprocess.Popen(step, cwd=team.repo.root, env=told, stdout=subprocess.DEVNULL) as job:
        while not any(each["write"] for each in team.service.list_requests()):
            assert job.poll() is None
            time.sleep(0.02)
        job.send_signal(signal.SIGINT)
        assert job.wait(30) == 130
    team.service.change_settings(latency_ms=0)
    assert team.repo.keyturn("apply", "--yes").code == 0
    assert team.live() == ["prod-db", "prod-pg"]


def test_a_night_without_drift_is_quiet_and_one_with_it_is_not(team):
    """The job fails with 2 where somebody edited, and says so as an annotation."""
    assert team.repo.keyturn("apply", "--yes").code == 0
    assert [step.code for step in team.runner("quiet").github(workflow("drift"), "drift")] == [0, 0]
    team.service.edit_in_ui("connections", "prod-pg", config={"database": "scratch"})
    loud = team.runner("loud")
    steps = list(loud.github(workflow("drift"), "drift"))
    assert [step.code for step in steps] == [0, 2]
    assert "::error title=Drift::" in steps[-1].output
    assert "scratch" in loud.summary()


def test_the_workflow_of_init_validates_and_applies(team):
    """Both jobs of the simplest workflow."""
    assert [step.code for step in team.runner("check").github(workflow("keyturn"), "validate")] == [0, 0]
    assert [step.code for step in team.runner("push").github(workflow("keyturn"), "apply")] == [0, 0]
    assert team.live() == ["prod-db", "prod-pg"]


def test_the_pipeline_of_init_validates_and_applies(team):
    """Both jobs of the simplest pipeline of GitLab; the report of the first is one of code quality."""
    simplest = CI / "gitlab" / "keyturn.yml"
    assert team.runner("check", keys=False).gitlab(simplest, "validate").code == 0
    keys = dict(zip(KEYS, team.keys.values(), strict=True))
    assert team.runner("push").gitlab(simplest, "apply", **keys).code == 0
    assert team.live() == ["prod-db", "prod-pg"]


def test_gitlab_checks_plans_applies_and_watches(team):
    """Every job of the pipeline, in the order of a change's life."""
    team.git("checkout", "-q", "-b", "change")
    team.repo.connection("prod-more", "prod-db")
    team.commit("One more")
    runner = team.runner("gitlab", keys=False, CI_MERGE_REQUEST_DIFF_BASE_SHA=team.base)
    for job in ("validate", "offline"):
        done = runner.gitlab(GITLAB, job)
        assert done.code == 0, done
    assert json.loads((team.repo.root / "counts.json").read_text()) == {"create": 1, "update": 0, "delete": 0}
    report = json.loads((team.repo.root / "gl-code-quality-report.json").read_text())
    assert {each["severity"] for each in report} <= {"info", "minor"}
    keys = dict(zip(KEYS, team.keys.values(), strict=True))
    assert runner.gitlab(GITLAB, "plan", **keys).code == 0
    name, digest = (team.repo.root / "plan.env").read_text().strip().split("=")
    assert name == "DIGEST"
    assert runner.gitlab(GITLAB, "apply", **keys, DIGEST=digest).code == 0
    assert team.live() == ["prod-db", "prod-more", "prod-pg"]
    assert runner.gitlab(GITLAB, "drift", **keys).code == 0
    team.service.edit_in_ui("connections", "prod-pg", config={"database": "scratch"})
    assert runner.gitlab(GITLAB, "drift", **keys).code == 2
