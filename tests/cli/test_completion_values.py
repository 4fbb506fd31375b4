"""What a shell completes."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from cli_in_process import run_in_process
from keyturn.cli.main import COMMAND_MODULES, root_command

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
    done = run_in_process([], cwd=folder, env=env)
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
    script.write_text(
        run_in_process(["completion", "bash"], cwd=project, env={"PATH": "/usr/bin:/bin"}).stdout
    )
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


DB = """\
kind: credential
name: prod-db
type: database
keep: [ssh_private_key]
secrets:
  seal: ENC[AES256_GCM,data:aaaa,iv:aaaa,tag:aaaa,type:str]
  ssh_passphrase: ENC[AES256_GCM,data:aaaa,iv:aaaa,tag:aaaa,type:str]
"""


def test_fields_are_offered_and_those_of_the_manifest_first(project):
    """Of the credential that was named before; the seal is nobody's to set."""
    (project / "manifests/prod/prod-db.yaml").write_text(DB)
    found = offered(project, "keyturn secret set prod-db ")
    assert found[:2] == ["ssh_passphrase", "ssh_private_key"]
    assert "password" in found[2:]
    assert "seal" not in found
    assert len(found) == len(set(found))
    assert offered(project, "keyturn secret set prod-db passw") == ["password"]
    assert offered(project, "keyturn secret set nobody ") == []


def test_classes_are_offered_one_after_the_other(project):
    """Behind a comma the next one, and none twice."""
    assert offered(project, "keyturn usage --fail-on over") == ["overdue"]
    found = offered(project, "keyturn usage --fail-on overdue,")
    assert "overdue,unused" in found
    assert "overdue,overdue" not in found
    assert offered(project, "keyturn plan --fail-on exposure,acc") == ["exposure,access"]


SILENT = {
    ("import", "folders"): "a prefix and a folder, both new",
    ("import", "credentials"): "live names, which nobody can read without a key",
    ("unlock", "lock_id"): "the id of a lock: copied from the message that names it",
    ("purge", "confirm"): "typed once more on purpose",
    ("apply", "approve"): "a digest: copied from the plan",
    ("plan", "base"): "a revision: git completes those",
    ("plan", "config_from"): "a revision: git completes those",
    ("init", "names"): "names that are new",
    ("init", "base_url"): "an address that is new",
    ("init", "organizations"): "an id that is new",
    ("init", "recipient"): "a key that is new",
    ("init", "pgp"): "a key that is new",
    ("plan", "ledger"): "a removed option",
    ("key trust", "key_id"): "an ID that a key holder has said",
    ("key seal", "reason"): "a text that is new",
    ("seal", "reason"): "a text that is new",
}
"""What a shell cannot complete, each with the reason."""


def parameters():
    """Yield every parameter that takes a value, with the words of its command."""
    ctx = click.Context(root_command)
    for name in COMMAND_MODULES:
        command = root_command.get_command(ctx, name)
        below = command.commands if isinstance(command, click.Group) else {"": command}
        for other, each in below.items():
            for param in each.params:
                if not getattr(param, "is_flag", False):
                    yield f"{name} {other}".strip(), param


@pytest.mark.parametrize(("words", "param"), list(parameters()), ids=lambda each: getattr(each, "name", each))
def test_every_value_is_completed_or_has_a_reason(words, param):
    """A name, a choice, a file or a number; what is none of these is in the table."""
    own = param._custom_shell_complete is not None
    known = isinstance(param.type, click.Choice | click.Path | click.IntRange | click.FloatRange)
    number = param.type in {click.INT, click.FLOAT}
    assert (own or known or number) != ((words, param.name) in SILENT)
