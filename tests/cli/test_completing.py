"""What a shell completes."""

import subprocess
import sys
from pathlib import Path

import pytest

from driving import drive

VENV = Path(sys.executable).parent


@pytest.fixture
def project(tmp_path):
    """Return a project with two workspaces, three manifests and one that is broken."""
    workspace = "base_url: https://a.example, organization: o, api_key: {env: K}"
    rows = [f"  {name}: {{{workspace}, manifests: [manifests/{name}]}}" for name in ("prod", "staging")]
    (tmp_path / "keyturn.yaml").write_text("\n".join(["version: 1", "workspaces:", *rows, ""]))
    files = {
        "prod/prod-db": "kind: credential\n",
        "prod/prod-pg": "# a comment\nkind: connection\n",
        "staging/staging-db": "kind: 'credential'\n",
        "prod/prod-broken": "<<<<<<< ours\n",
    }
    for name, text in files.items():
        path = tmp_path / f"manifests/{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def offered(folder, line):
    """Return what is offered for the last word of a line."""
    words = line.split(" ")
    env = {"_KEYTURN_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = drive([], cwd=folder, env=env)
    assert done.stderr == ""
    return [each.partition(",")[2] for each in done.stdout.splitlines() if each]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("keyturn test p", ["prod-pg"]),
        ("keyturn pull p", ["prod-db", "prod-pg"]),
        ("keyturn secret set ", ["prod-db", "staging-db"]),
        ("keyturn seal s", ["staging-db"]),
        ("keyturn revoke -w staging ", ["staging-db"]),
        ("keyturn plan --target connection/", ["connection/prod-pg"]),
        ("keyturn plan -w ", ["prod", "staging"]),
        ("keyturn diff --from st", ["staging"]),
        ("keyturn appl", ["apply"]),
    ],
)
def test_names_are_offered(project, line, names):
    """Those of the right kind, in the workspace that was named."""
    assert offered(project, line) == names


def test_codes_are_offered(project):
    """Those that begin so, and no other."""
    found = offered(project, "keyturn explain KT45")
    assert {"KT451", "KT454"} <= set(found)
    assert all(each.startswith("KT45") for each in found)


def test_nothing_is_offered_and_nothing_said_where_there_is_no_project(tmp_path):
    """Or where its file is broken."""
    assert offered(tmp_path, "keyturn test ") == []
    (tmp_path / "keyturn.yaml").write_text("{{{")
    assert offered(tmp_path, "keyturn test ") == []


def test_chdir_is_obeyed(project, tmp_path):
    """Names are those of the folder that was named."""
    (tmp_path / "elsewhere").mkdir()
    assert offered(tmp_path / "elsewhere", f"keyturn test -C {project} p") == ["prod-pg"]


def test_bash_completes(project, tmp_path):
    """The real shell, with the script that keyturn prints."""
    script = tmp_path / "completion.bash"
    script.write_text(drive(["completion", "bash"], cwd=project, env={"PATH": "/usr/bin:/bin"}).stdout)
    text = f"source {script}; COMP_WORDS=(keyturn test pr); COMP_CWORD=2; _keyturn_completion keyturn; "
    done = subprocess.run(
        ["/bin/bash", "-c", text + 'echo "${COMPREPLY[@]}"'],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": f"{VENV}:/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert done.stdout.strip() == "prod-pg"
