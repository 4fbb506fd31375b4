"""keyturn key: from a new repository to a colleague's clone, and settings that somebody else changed."""

import re
import shutil
import subprocess

import pytest

from cli_in_process import run_in_process
from planasonix_emulator.server import Emulator
from workspace import SOPS

MOVED = ("http://127.0.0.1:9", "https://evil.example.net")
OTHER_MODE = ("organization: org_x", "put: partial\n    organization: org_x")


class KeyedProject:
    """A new repository, a user's home, and the commands in it."""

    def __init__(self, ground, age_key, service=None) -> None:
        self.root = ground / "new"
        base_url = service.base_url if service else MOVED[0]
        organization = service.organization if service else "org_x"
        self.environment = {
            "PATH": f"{SOPS.rpartition('/')[0]}:/usr/bin:/bin", "HOME": str(ground / "home"),
            "SOPS_AGE_KEY_FILE": str(age_key.file),
            "PLANASONIX_API_KEY": service.key if service else "plnx_live_test",
        }  # fmt: skip
        (ground / "home").mkdir()
        done = run_in_process(
            ["init", "new", "--organization", organization, "--ci", "none", "--base-url", base_url],
            cwd=ground,
            env=self.environment,
        )
        assert done.code == 0, done.stderr
        self.key_id = re.search(r"key      prod: (SHA256:\S{43})", done.stdout)[1]

    def run(self, *words, **environment):
        """Run keyturn in the repository."""
        return run_in_process(words, cwd=self.root, env={**self.environment, **environment})

    def change_project(self, old, new):
        """Replace a text of keyturn.yaml."""
        path = self.root / "keyturn.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))


@pytest.fixture
def project(tmp_path, age_key):
    """Return a new repository with a workspace key."""
    return KeyedProject(tmp_path, age_key)


def test_show_prints_key_and_settings(project):
    """All that a colleague compares, without a key."""
    done = project.run("key", "show", SOPS_AGE_KEY_FILE="/dev/null")
    assert done.code == 0
    for line in (
        f"  key          {project.key_id}",
        "  trusted      yes, on this machine",
        "  file         .keyturn/keys/prod.yaml",
        "  base_url     this machine",
        "  organization org_x",
        "  api_key      env PLANASONIX_API_KEY",
    ):
        assert line in done.stdout.splitlines()


def test_a_colleague_trusts_the_key_once(project, tmp_path):
    """Before that, no command uses a key; the error says how."""
    colleague = {"HOME": str(tmp_path / "colleague")}
    (tmp_path / "colleague").mkdir()
    refused = project.run("plan", **colleague)
    assert refused.code == 5
    assert f"keyturn key trust {project.key_id}" in " ".join(refused.stderr.split())
    wrong = project.run("key", "trust", project.key_id.replace("SHA256:", "SHA256:A"), **colleague)
    assert (wrong.code, "KT260" in wrong.stderr) == (5, True)
    assert "is trusted" in project.run("key", "trust", project.key_id, **colleague).stdout
    assert "was already" in project.run("key", "trust", project.key_id, **colleague).stdout
    assert "KT260" not in project.run("plan", **colleague).stderr


def test_a_job_has_the_id_in_its_definition(project, tmp_path):
    """KEYTURN_KEY_ID is enough, and a wrong one is refused although the file is right."""
    nobody = {"HOME": str(tmp_path)}
    assert "KT260" not in project.run("plan", KEYTURN_KEY_ID=project.key_id, **nobody).stderr
    assert "KT260" not in project.run("plan", KEYTURN_KEY_ID=f"prod={project.key_id}", **nobody).stderr
    for wrong in ("SHA256:x", f"staging={project.key_id}"):
        assert "KT260" in project.run("plan", KEYTURN_KEY_ID=wrong).stderr


@pytest.mark.parametrize("command", ["plan", "apply", "pull", "test", "usage"])
def test_moved_settings_stop_each_command_before_a_request(project, command):
    """The API key never goes to another base URL; the error names both."""
    project.change_project(*MOVED)
    words = [command, "--auto-approve"] if command == "apply" else [command]
    done = project.run(*words)
    assert done.code == 5
    text = " ".join(done.stderr.split())
    assert "KT261" in text
    assert "a key holder sealed this machine, now it is https://evil.example.net" in text


def test_a_key_holder_seals_moved_settings(project):
    """It shows each change; without a terminal it needs --yes, without the decryption key it fails."""
    project.change_project(*OTHER_MODE)
    shown = project.run("key", "show")
    assert "differs" in shown.stdout
    assert project.run("key", "seal").code == 64
    keyless = project.run("key", "seal", "--yes", SOPS_AGE_KEY_FILE="/dev/null")
    assert keyless.code != 0
    done = project.run("key", "seal", "--yes", "--reason", "fewer fields")
    assert done.code == 0, done.stderr
    assert "the update mode of workspace prod: a key holder sealed full, now it is partial" in done.stdout
    assert "differs" not in project.run("key", "show").stdout
    assert "number 2" in project.run("key", "show").stdout
    assert "reason: fewer fields" in (project.root / ".keyturn/keys/prod.yaml").read_text()
    assert "KT261" not in project.run("plan").stderr
    assert "match their seal" in project.run("key", "seal").stdout


def test_a_repository_without_a_key_gets_one(project):
    """Created once; a second one is refused, and the removed one is missed as long as it is trusted."""
    file = project.root / ".keyturn/keys/prod.yaml"
    kept = file.read_text()
    file.unlink()
    assert project.run("plan").code == 5
    assert "none; `keyturn key create`" in project.run("key", "show").stdout
    assert project.run("key", "trust", project.key_id).code == 5
    assert project.run("key", "seal", "--yes").code == 5
    done = project.run("key", "create")
    assert done.code == 0, done.stderr
    assert "KEYTURN_KEY_ID" in done.stdout
    assert file.read_text() != kept
    again = project.run("key", "create")
    assert (again.code, "KT229" in again.stderr) == (1, True)


def test_the_root_key_is_never_printed(project, canary):
    """Neither show nor an error has it."""
    age = shutil.which("sops", path=project.environment["PATH"])
    assert age
    shown = project.run("key", "show", "-v")
    assert "ENC[" not in shown.stdout + shown.stderr
    assert canary() not in shown.stdout


def test_a_workspace_that_is_unknown_is_an_error(project):
    """With the known names."""
    done = project.run("key", "show", "-w", "stagin")
    assert (done.code, "KT005" in done.stderr) == (1, True)


FORGERIES = {
    "a changed entry": lambda text: text.replace('"id":"', '"id":"x', 1),
    "no signature": lambda text: "{" + text.split(",", 1)[1],
    "another signature": lambda text: text.replace('{"signature":"', '{"signature":"AAAA', 1),
    "no content": lambda _: "{}",
}


@pytest.mark.parametrize("forgery", [*FORGERIES, "a forged record"])
def test_a_forged_state_stops_each_command(tmp_path, age_key, forgery):
    """Whoever can write the state changes nothing without the key."""
    with Emulator.start() as service:
        project = KeyedProject(tmp_path, age_key, service)
        state = project.root / ".keyturn/prod/state.json"
        assert project.run("apply", "--yes", "--no-test").code == 0
        assert project.run("plan", "--detailed-exitcode").code == 0
        if forgery == "a forged record":
            journal = state.with_name("journal.jsonl")
            with journal.open("a") as file:
                file.write(
                    '{"seq":99,"at":"","event":"end","run":"x","ending":"ended","prev":"","hash":""}\n'
                )
        else:
            state.write_text(FORGERIES[forgery](state.read_text()))
        for words in (["plan"], ["apply", "--yes"], ["usage"], ["pull"]):
            done = project.run(*words)
            assert (words, done.code) == (words, 5)
            assert "KT627" in done.stdout + done.stderr


def test_a_state_from_before_the_key_is_signed_once(tmp_path, age_key):
    """Refused until a key holder signs it; then an apply goes on."""
    with Emulator.start() as service:
        project = KeyedProject(tmp_path, age_key, service)
        assert project.run("apply", "--yes", "--no-test").code == 0
        for name in ("state.json", "journal.jsonl"):
            file = project.root / ".keyturn/prod" / name
            file.write_text(re.sub(r',?"signature":"[^"]{88}",?', "", file.read_text()))
        assert project.run("plan").code == 5
        assert project.run("key", "sign-state").code == 64
        signed = project.run("key", "sign-state", "--yes")
        assert (signed.code, "2 resources" in signed.stdout) == (0, True), signed.stderr
        assert project.run("plan", "--detailed-exitcode").code == 0
        assert project.run("log", "--verify").code == 0


def test_a_connection_is_sealed(project):
    """The first seal lists the destination; a moved one needs a reason, and says from where to where."""
    file = project.root / "manifests/prod/connections/prod-warehouse.yaml"
    done = project.run("seal", "connection/prod-warehouse")
    assert (done.code, "sealed manifests/prod/connections/prod-warehouse.yaml" in done.stderr) == (0, True)
    assert "seal:\n  serial: 1\n  by: " in file.read_text()
    assert project.run("validate", "--strict").code == 0
    subprocess.run(["git", "init", "-q"], cwd=project.root, check=True)
    subprocess.run(["git", "add", "-A"], cwd=project.root, check=True)
    subprocess.run(["git", "commit", "-qm", "one"], cwd=project.root, check=True)
    file.write_text(file.read_text().replace("db.example.com", "db2.example.com"))
    refused = project.run("seal", "connection/prod-warehouse")
    assert refused.code == 5
    text = " ".join(refused.stderr.split())
    assert "config.host: db.example.com → db2.example.com" in text
    assert "keyturn seal connection/prod-warehouse --reason" in text
    assert project.run("seal", "connection/prod-warehouse", "--reason", "moved").code == 64
    moved = project.run("seal", "connection/prod-warehouse", "--reason", "moved", "--yes")
    assert moved.code == 0, moved.stderr
    assert "serial: 2" in file.read_text()
    missing = project.run("seal", "connection/none")
    assert (missing.code, "there is no connection none" in missing.stderr) == (1, True)


def test_a_workspace_without_a_key_seals_no_connection(project):
    """The error names the command that creates a key."""
    (project.root / ".keyturn/keys/prod.yaml").unlink()
    done = project.run("seal", "connection/prod-warehouse", HOME="")
    assert (done.code, "keyturn key create" in done.stderr) == (5, True)


@pytest.mark.parametrize("more", ["", "type: mysql\ncredential: {a: b}\nconfig: 3\nseal: 7\n"])
def test_an_invalid_connection_is_not_sealed(project, more):
    """The error is that of the manifest, with its place."""
    file = project.root / "manifests/prod/connections/prod-x.yaml"
    file.write_text("kind: connection\nname: prod-x\n" + more)
    before = file.read_text()
    done = project.run("seal", "connection/prod-x")
    assert (done.code, "prod-x.yaml:" in done.stderr) == (1, True)
    assert file.read_text() == before
