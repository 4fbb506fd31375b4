"""The example pipelines: each script runs as on a CI runner, with real git and the emulator."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from age_keys import AgeKey
from keyturn.operations.setup.init_templates import GITHUB_WORKFLOW, GITLAB_PIPELINE
from pipelines import PipelineRunner, list_scripts
from planasonix_emulator.server import Emulator
from sources import ROOT
from workspace import Repository

CI = ROOT / "examples" / "ci"
GITHUB = sorted((CI / "github").glob("*.yml"))
GITLAB = CI / "gitlab" / ".gitlab-ci.yml"
ZIZMOR = Path(sys.executable).parent / "zizmor"
SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"
KEYS = ("PLANASONIX_API_KEY", "SOPS_AGE_KEY")


class Team:
    """A repository with a base commit on main, its keys, and a running emulator."""

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
        """Run git and return its output."""
        done = subprocess.run(
            ["git", "-c", "init.defaultBranch=main", *words],
            cwd=self.repo.root, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything and return the commit."""
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def runner(self, name: str, *, fork: bool = False, keys: bool = True, **always: str) -> PipelineRunner:
        """Return a runner with its own folder and the repository as its clone."""
        ground = self.ground / name
        ground.mkdir()
        context = {
            SAME_REPOSITORY: "false" if fork else "true",
            "github.event.pull_request.base.sha": self.base,
            "github.event.pull_request.number": "7",
            "github.token": "token-of-the-run",
            "inputs.consents": "",
            **(self.keys if keys else dict.fromkeys(self.keys, "")),
        }
        variables = {"GITHUB_REPOSITORY": "acme/access", **always}
        return PipelineRunner(clone=self.repo.root, ground=ground, context=context, always=variables)

    def list_live_names(self) -> list[str]:
        """Return the names of all live objects."""
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


def test_init_writes_the_simplest_examples():
    """`keyturn init` writes the first example of GitHub and of GitLab."""
    assert workflow("keyturn").read_text() == GITHUB_WORKFLOW
    assert (CI / "gitlab" / "keyturn.yml").read_text() == GITLAB_PIPELINE


@pytest.mark.parametrize("text", [GITHUB_WORKFLOW, GITLAB_PIPELINE], ids=["github", "gitlab"])
def test_the_simplest_examples_explain_the_bucket(text):
    """The comment warns about state in the folder of a runner, and names the setting of a bucket."""
    assert "With `state: file:…`, the state is lost when the runner ends" in text
    assert "state: s3://bucket/prefix" in text


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.stem)
def test_workflows_are_hardened(path):
    """Permissions are minimal, checkouts keep no token, scripts contain no event text."""
    tree = yaml.safe_load(path.read_text())
    assert tree["permissions"] in ({}, {"contents": "read"})
    for job in tree["jobs"].values():
        checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        assert checkouts
        assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert [script for script in list_scripts(tree) if "${{" in script] == []
    assert not re.search(r"pull_request_target|workflow_run", path.read_text())


@pytest.mark.skipif(not ZIZMOR.exists(), reason="zizmor is not installed")
@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.stem)
def test_zizmor_reports_nothing(path):
    """The auditor of workflows has no findings."""
    done = subprocess.run(
        [ZIZMOR, "--offline", "--no-progress", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [*GITHUB, GITLAB], ids=lambda path: path.stem)
def test_scripts_are_valid_shell(path):
    """Bash parses every script."""
    tree = yaml.safe_load(path.read_text())
    found = (
        list(list_scripts(tree))
        if "jobs" in tree
        else ["\n".join(job["script"]) for job in tree.values() if "script" in job]
    )
    assert found
    for script in found:
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def event(team, *, fork):
    """Return the environment variables that GitHub sets for a pull request."""
    place = team.ground / f"event-{fork}.json"
    head = "stranger/access" if fork else "acme/access"
    sides = {"head": head, "base": "acme/access"}
    request = {side: {"repo": {"full_name": name}} for side, name in sides.items()}
    place.write_text(json.dumps({"pull_request": request}))
    return {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(place)}


def test_a_fork_gets_its_plan_and_no_key(team):
    """The summary has the plan; there is no comment, and the service gets no request."""
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


def test_the_comment_is_updated(team):
    """The first run creates the comment, the second updates it; a similar comment of a stranger stays."""
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


def test_an_exposure_fails_the_pull_request(team):
    """The connection points the credential at another host: the last step exits 5."""
    team.git("checkout", "-q", "-b", "change")
    team.repo.connection("prod-pg", "prod-db", {"host": "db.example.net", "port": 5432, "database": "app"})
    team.commit("Elsewhere")
    runner = team.runner("moved", fork=True, keys=False)
    assert [step.code for step in runner.github(workflow("pull-request"), "offline")] == [0, 0, 0, 5]
    assert "EXPOSES SECRET" in runner.summary()


def test_a_trusted_plan_uses_the_settings_of_the_base(team):
    """The API key is not sent to a base URL that the branch sets."""
    team.git("checkout", "-q", "-b", "change")
    with Emulator.start() as other:
        text = (team.repo.root / "keyturn.yaml").read_text()
        (team.repo.root / "keyturn.yaml").write_text(text.replace(team.service.base_url, other.base_url))
        team.commit("My own service")
        runner = team.runner("trusted", **event(team, fork=False))
        assert [step.code for step in runner.github(workflow("pull-request"), "trusted")] == [0, 0]
        assert "2 to create" in runner.summary()
        assert other.list_requests() == []


def test_only_the_approved_plan_is_applied(team):
    """An apply with the digest of another plan writes nothing."""
    planning = team.runner("plan")
    assert [step.code for step in planning.github(workflow("apply"), "plan")] == [0, 0]
    assert planning.outputs()["changes"] == "yes"
    digest = planning.outputs()["digest"]
    assert digest in planning.summary()
    runner = team.runner("apply")
    runner = replace(runner, context={**runner.context, "needs.plan.outputs.options": ""})
    other = replace(runner, context={**runner.context, "needs.plan.outputs.digest": "kt2-" + "a" * 38})
    assert [step.code for step in other.github(workflow("apply"), "apply")] == [0, 4]
    assert team.list_live_names() == []
    approved = replace(runner, context={**runner.context, "needs.plan.outputs.digest": digest})
    assert [step.code for step in approved.github(workflow("apply"), "apply")] == [0, 0]
    assert team.list_live_names() == ["prod-db", "prod-pg"]
    again = team.runner("again")
    assert [step.code for step in again.github(workflow("apply"), "plan")] == [0, 0]
    assert again.outputs()["changes"] == "no"


def test_a_consent_reaches_the_apply(team):
    """A plan above the limit fails its job; with the consent it is approved and applied as it was planned."""
    for name in ("prod-east", "prod-west"):
        team.repo.credential(name, {"password": f"first-{name}"})
    team.commit("More")
    assert team.repo.keyturn("apply", "--yes").code == 0
    team.repo.remove("prod-east", "prod-west")
    team.commit("Fewer")
    refused = list(team.runner("refused").github(workflow("apply"), "plan"))
    assert [step.code for step in refused] == [0, 5]
    runner = team.runner("agreed")
    agreed = replace(
        runner, context={**runner.context, "inputs.consents": "--allow-retire 2 --target prod-*"}
    )
    planned = list(agreed.github(workflow("apply"), "plan"))
    assert [step.code for step in planned] == [0, 0], agreed.summary()
    outputs = {f"needs.plan.outputs.{name}": value for name, value in agreed.outputs().items()}
    assert outputs["needs.plan.outputs.options"] == "--allow-retire=2 --target=prod-*"
    without = {**outputs, "needs.plan.outputs.options": ""}
    assert [step.code for step in _start(team, "bare", without).github(workflow("apply"), "apply")] == [0, 4]
    steps = _start(team, "whole", outputs).github(workflow("apply"), "apply")
    assert [step.code for step in steps] == [0, 0]


def _start(team, name, outputs):
    """Return a runner of the second job."""
    runner = team.runner(name)
    return replace(runner, context={**runner.context, **outputs})


def test_a_refused_plan_of_a_pull_request_has_a_comment(team):
    """The comment names the next step, and the last step fails."""
    for name in ("prod-east", "prod-west"):
        team.repo.credential(name, {"password": f"first-{name}"})
    team.base = team.commit("More")
    team.git("checkout", "-q", "-b", "change")
    team.repo.remove("prod-east", "prod-west")
    team.commit("Fewer")
    runner = team.runner("pull", **event(team, fork=False))
    steps = list(runner.github(workflow("pull-request"), "offline"))
    assert [step.code for step in steps] == [0, 0, 0, 0, 5]
    assert "allow-retire 2" in runner.comments()


def test_a_cancelled_job_interrupts_keyturn(team):
    """The runner interrupts the process of the step; with `exec` this is keyturn, which exits 130."""
    tree = yaml.safe_load(workflow("apply").read_text())
    (script,) = (step["run"] for step in tree["jobs"]["apply"]["steps"] if step.get("name") == "Apply")
    plan = json.loads(team.repo.keyturn("plan", "--format", "json").stdout)
    team.service.change_settings(latency_ms=150)
    variables = team.repo.environment(DIGEST=plan["approval"]["digest"], OPTIONS="")
    (team.ground / "step.sh").write_text(script)
    step = [shutil.which("bash"), "-e", str(team.ground / "step.sh")]
    with subprocess.Popen(step, cwd=team.repo.root, env=variables, stdout=subprocess.DEVNULL) as job:
        while not any(each["write"] for each in team.service.list_requests()):
            assert job.poll() is None
            time.sleep(0.02)
        job.send_signal(signal.SIGINT)
        assert job.wait(30) == 130
    team.service.change_settings(latency_ms=0)
    assert team.repo.keyturn("apply", "--yes").code == 0
    assert team.list_live_names() == ["prod-db", "prod-pg"]


def test_the_nightly_job_fails_on_drift(team):
    """The job exits 2 after an edit in the UI and writes an annotation; without an edit it exits 0."""
    assert team.repo.keyturn("apply", "--yes").code == 0
    assert [step.code for step in team.runner("unchanged").github(workflow("drift"), "drift")] == [0, 0]
    team.service.edit_in_ui("connections", "prod-pg", config={"database": "scratch"})
    runner = team.runner("edited")
    steps = list(runner.github(workflow("drift"), "drift"))
    assert [step.code for step in steps] == [0, 2]
    assert "::error title=Drift::" in steps[-1].output
    assert "scratch" in runner.summary()


def test_the_workflow_of_init_validates_and_applies(team):
    """Both jobs of the simplest workflow run."""
    assert [step.code for step in team.runner("check").github(workflow("keyturn"), "validate")] == [0, 0]
    assert [step.code for step in team.runner("push").github(workflow("keyturn"), "apply")] == [0, 0]
    assert team.list_live_names() == ["prod-db", "prod-pg"]


def test_the_pipeline_of_init_validates_and_applies(team):
    """Both jobs of the simplest pipeline of GitLab run."""
    simplest = CI / "gitlab" / "keyturn.yml"
    assert team.runner("check", keys=False).gitlab(simplest, "validate").code == 0
    keys = dict(zip(KEYS, team.keys.values(), strict=True))
    assert team.runner("push").gitlab(simplest, "apply", **keys).code == 0
    assert team.list_live_names() == ["prod-db", "prod-pg"]


def test_the_gitlab_pipeline_runs(team):
    """Every job runs, in the order of a change from merge request to drift check."""
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
    lines = (team.repo.root / "plan.env").read_text().splitlines()
    assert [line.partition("=")[0] for line in lines] == ["DIGEST", "OPTIONS"]
    digest = lines[0].partition("=")[2]
    assert runner.gitlab(GITLAB, "apply", **keys, DIGEST=digest).code == 0
    assert team.list_live_names() == ["prod-db", "prod-more", "prod-pg"]
    assert runner.gitlab(GITLAB, "drift", **keys).code == 0
    team.service.edit_in_ui("connections", "prod-pg", config={"database": "scratch"})
    assert runner.gitlab(GITLAB, "drift", **keys).code == 2
