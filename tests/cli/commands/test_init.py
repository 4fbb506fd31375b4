"""keyturn init."""

import shutil
import subprocess

import pytest
import yaml

from cli_in_process import run_in_process
from workspace import SOPS


@pytest.fixture
def surroundings(tmp_path, age_key):
    """Return the environment of somebody who has an age key."""
    (tmp_path / "home").mkdir()
    return {
        "PATH": str(SOPS.rpartition("/")[0]),
        "HOME": str(tmp_path / "home"),
        "SOPS_AGE_KEY_FILE": str(age_key.file),
    }


def test_a_new_repository_is_valid_and_again_nothing_is_done(tmp_path, surroundings, age_key):
    """What was made is listed; the second time everything is there and kept."""
    done = run_in_process(["init", "new", "--organization", "org_x"], cwd=tmp_path, env=surroundings)
    assert done.code == 0, done.stderr
    assert "created  keyturn.yaml" in done.stdout
    assert age_key.recipient in (tmp_path / "new/.sops.yaml").read_text()
    valid = run_in_process(["validate", "--strict", "-C", "new"], cwd=tmp_path, env={})
    assert valid.code == 0, valid.stdout
    again = run_in_process(["init", "new"], cwd=tmp_path, env=surroundings)
    assert again.code == 0
    assert "Nothing to do" in again.stderr


def test_what_is_there_is_kept(tmp_path, surroundings):
    """A file of the user's own gains a line at its end at most."""
    (tmp_path / ".gitignore").write_text("mine\n")
    done = run_in_process(["init"], cwd=tmp_path, env=surroundings)
    assert done.code == 0, done.stderr
    assert "added    .gitignore" in done.stdout
    assert (tmp_path / ".gitignore").read_text() == "mine\n.keyturn/prod/\n"


def test_a_folder_that_is_a_file(tmp_path, surroundings):
    """Usage."""
    (tmp_path / "new").write_text("")
    assert run_in_process(["init", "new"], cwd=tmp_path, env=surroundings).code == 64


def test_an_existing_repository_gets_what_it_lacks_and_advice(tmp_path, surroundings):
    """Hooks, rules and a pipeline of the user's own are left alone, and what belongs there is said."""
    own = {
        ".pre-commit-config.yaml": "repos: []\n",
        ".sops.yaml": "creation_rules: []\n",
        ".gitlab-ci.yml": "a: 1\n",
    }
    for name, text in own.items():
        (tmp_path / name).write_text(text)
    done = run_in_process(["init", "--ci", "gitlab"], cwd=tmp_path, env=surroundings)
    assert done.code == 0, done.stderr
    assert {name: (tmp_path / name).read_text() for name in own} == own
    assert done.stdout.count("to do: ") == 3
    assert "id: keyturn-validate" in done.stdout
    assert not (tmp_path / ".github").exists()
    assert run_in_process(["validate", "--strict"], cwd=tmp_path, env={}).code == 0


def test_several_workspaces(tmp_path, surroundings):
    """Each has its own key, folder, prefix, example and step of the pipeline."""
    words = ["init", "-w", "prod", "-w", "staging", "--organization", "org_a", "--organization", "org_b"]
    done = run_in_process(words, cwd=tmp_path, env=surroundings)
    assert done.code == 0, done.stderr
    tree = yaml.safe_load((tmp_path / "keyturn.yaml").read_text())
    assert tree["workspaces"]["staging"]["organization"] == "org_b"
    assert tree["workspaces"]["staging"]["api_key"] == {"env": "PLANASONIX_API_KEY_STAGING"}
    workflow = yaml.safe_load((tmp_path / ".github/workflows/keyturn.yml").read_text())
    runs = [
        step["run"] for step in workflow["jobs"]["apply"]["steps"] if "keyturn apply" in step.get("run", "")
    ]
    assert runs == [f"keyturn apply --workspace {name} --auto-approve" for name in ("prod", "staging")]
    assert (tmp_path / "manifests/staging/credentials/staging-warehouse.yaml").exists()
    valid = run_in_process(["validate", "--strict"], cwd=tmp_path, env={})
    assert valid.code == 0, valid.stdout


@pytest.mark.parametrize("names", [["prod"], ["prod", "staging"]])
def test_a_pipeline_of_gitlab(tmp_path, surroundings, names):
    """One job of the apply for each workspace, each with its own key's name."""
    words = [word for name in names for word in ("-w", name)]
    assert run_in_process(["init", "--ci", "gitlab", *words], cwd=tmp_path, env=surroundings).code == 0
    tree = yaml.safe_load((tmp_path / ".gitlab-ci.yml").read_text())
    jobs = [job for name, job in tree.items() if name.startswith("apply")]
    assert len(jobs) == len(names)
    assert all("keyturn apply" in job["script"][0] for job in jobs)


def test_no_pipeline(tmp_path, surroundings):
    """Where somebody has another CI."""
    assert run_in_process(["init", "--ci", "none"], cwd=tmp_path, env=surroundings).code == 0
    assert not (tmp_path / ".github").exists()
    assert not (tmp_path / ".gitlab-ci.yml").exists()


def test_a_further_workspace_is_added_by_hand(tmp_path, surroundings):
    """keyturn.yaml is the user's by then; no example is written where no workspace would see it."""
    run_in_process(["init"], cwd=tmp_path, env=surroundings)
    done = run_in_process(["init", "-w", "staging"], cwd=tmp_path, env=surroundings)
    assert done.code == 0
    assert "keyturn.yaml: add the workspace staging manually" in done.stdout
    assert not (tmp_path / "manifests/staging").exists()


def test_manifests_that_are_there_need_no_example(tmp_path, surroundings):
    """Nothing is added that somebody would have to remove."""
    run_in_process(["init", "--ci", "none"], cwd=tmp_path, env=surroundings)
    for path in list((tmp_path / "manifests").rglob("*.yaml")):
        path.rename(path.with_name("prod-own.yaml"))
    again = run_in_process(["init", "--ci", "none"], cwd=tmp_path, env=surroundings)
    assert "Nothing to do" in again.stderr
    assert not list((tmp_path / "manifests").rglob("prod-warehouse.yaml"))


def test_a_person_is_asked(tmp_path, surroundings):
    """On a terminal; what was said is not asked again."""
    answers = "stage\n\norg_asked\n"
    done = run_in_process(["init"], cwd=tmp_path, env=surroundings, stdin=answers, ttys=["stdin"])
    assert done.code == 0, done.stderr
    tree = yaml.safe_load((tmp_path / "keyturn.yaml").read_text())
    assert tree["workspaces"]["stage"]["organization"] == "org_asked"
    assert tree["workspaces"]["stage"]["base_url"] == "https://api.planasonix.com"


def test_organizations_that_do_not_fit(tmp_path, surroundings):
    """Usage: two for three."""
    words = ["init", "-w", "a", "-w", "b", "-w", "c", "--organization", "x", "--organization", "y"]
    assert run_in_process(words, cwd=tmp_path, env=surroundings).code == 64


@pytest.mark.skipif(shutil.which("gpg") is None, reason="no gpg on this machine")
def test_pgp(tmp_path, surroundings):
    """With a PGP key alone, no age key is made, and what was encrypted is valid."""
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    environment = {**surroundings, "GNUPGHOME": str(home), "PATH": f"{surroundings['PATH']}:/usr/bin:/bin"}
    del environment["SOPS_AGE_KEY_FILE"]
    gpg = ["gpg", "--batch", "--passphrase", "", "--with-colons"]
    making = ["--quick-generate-key", "t@example.com", "default", "default"]
    subprocess.run([*gpg, *making], env=environment, check=True, capture_output=True)
    listed = subprocess.run(
        [*gpg, "--list-keys"], env=environment, check=True, capture_output=True, text=True
    )
    fingerprint = next(line.split(":")[9] for line in listed.stdout.splitlines() if line.startswith("fpr"))
    done = run_in_process(["init", "new", "--pgp", fingerprint], cwd=tmp_path, env=environment)
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=True)
    assert done.code == 0, done.stderr
    assert f"pgp: {fingerprint}" in (tmp_path / "new/.sops.yaml").read_text()
    assert not (tmp_path / "home/.config/sops").exists()
    valid = run_in_process(["validate", "--strict", "-C", "new"], cwd=tmp_path, env={})
    assert valid.code == 0, valid.stdout
