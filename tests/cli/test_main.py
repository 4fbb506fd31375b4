"""The group of commands, and what starting it costs."""

import os
import re
import subprocess
import sys

import pytest

from cli_in_process import run_in_process
from keyturn import __version__
from keyturn.cli.main import COMMAND_MODULES
from subprocess_runner import run_command

HEAVY = (
    "httpx", "cryptography", "deepdiff", "rich", "obstore", "jsonschema", "asyncio", "pyrage", "ssl",
    "keyturn.client.client", "keyturn.operations.plan.plan", "yaml",
)  # fmt: skip
"""What takes long to import."""

PROBE = """
import sys
sys.argv = ["keyturn", *sys.argv[1:]]
try:
    from keyturn.cli.main import main
    main()
finally:
    print("", *sys.modules, file=sys.stderr)
"""


def here(tmp_path, *words, **more):
    """Run keyturn in an empty folder, within this process."""
    env = {"PATH": os.defpath, "HOME": str(tmp_path), **more.pop("env", {})}
    return run_in_process(words, cwd=tmp_path, env=env, **more)


def heavy(folder, words, env):
    """Return what a fresh process has imported of what takes long."""
    ended = run_command([sys.executable, "-c", PROBE, *words], cwd=folder, env=env)
    assert "keyturn.cli.main" in ended.stderr
    return set(HEAVY) & set(ended.stderr.split())


@pytest.mark.parametrize(
    "words", [("--version",), ("--help",), ("plan", "--help"), ("explain", "KT451"), ("schema", "plan")]
)
def test_what_says_something_of_itself_imports_nothing_of_weight(tmp_path, words):
    """Version, help, explanations and schemas are there at once."""
    assert heavy(tmp_path, words, {}) == set()


def test_a_version_is_said_without_the_core(tmp_path):
    """Half of what it takes is click; nothing of ours is there that is not needed for one line."""
    ended = run_command([sys.executable, "-c", PROBE, "--version"], cwd=tmp_path, env={})
    assert {"dataclasses", "difflib", "shutil", "textwrap", "keyturn.model"}.isdisjoint(ended.stderr.split())


@pytest.mark.parametrize(("words", "code"), [(("explain", "KT451"), 0), (("pln",), 64), (("plan",), 1)])
def test_a_process_leaves_at_once_and_says_all(tmp_path, words, code):
    """What Python would do at its end is not done; nothing said is lost, the code is the same."""
    start = "import atexit, sys\nfrom keyturn.cli.main import run_and_exit\n"
    start += "atexit.register(print, 'at the end')\n"
    program = [sys.executable, "-c", f"{start}sys.argv = ['keyturn', *{words!r}]\nrun_and_exit()"]
    ended = run_command(program, cwd=tmp_path, env={"PATH": os.defpath, "HOME": str(tmp_path)})
    same = here(tmp_path, *words)
    assert (ended.code, ended.stdout, ended.stderr) == (code, same.stdout, same.stderr)
    assert ended.stdout or ended.stderr


def test_completion_imports_nothing_of_weight(tmp_path):
    """A shell that asks for completions waits for every millisecond."""
    env = {"_KEYTURN_COMPLETE": "bash_complete", "COMP_WORDS": "keyturn unl", "COMP_CWORD": "1"}
    assert heavy(tmp_path, (), env) == set()


def test_validate_imports_neither_client_nor_ciphers(setup, canary):
    """The pre-commit hook reads YAML, and little else."""
    setup.repo.credential("prod-db", {"password": canary()})
    setup.repo.connection("prod-pg", "prod-db")
    assert heavy(setup.repo.root, ("validate",), setup.repo.environment()) <= {"yaml"}


def test_a_plan_without_changes_imports_no_more_than_it_needs(setup, canary):
    """Nothing differs, so nothing is compared; a folder holds the state, so no bucket is loaded."""
    setup.repo.credential("prod-db", {"password": canary()})
    assert setup.run("apply", "--yes").code == 0
    found = heavy(setup.repo.root, ("plan",), setup.repo.environment())
    assert found.isdisjoint({"deepdiff", "obstore", "jsonschema", "cryptography", "rich"})


def test_the_journal_is_read_without_the_client(setup, canary):
    """Log and unlock need the state alone."""
    setup.repo.credential("prod-db", {"password": canary()})
    assert setup.run("apply", "--yes").code == 0
    found = heavy(setup.repo.root, ("log",), setup.repo.environment())
    assert found.isdisjoint(
        {"httpx", "cryptography", "keyturn.client.client", "keyturn.operations.plan.plan"}
    )


def test_version(tmp_path):
    """One line that a script can read."""
    assert here(tmp_path, "--version").stdout == f"keyturn {__version__}\n"


def test_no_command_is_answered_with_the_help(tmp_path):
    """64, so that a script that lost its command does not go on; the help is on the error stream."""
    ended = here(tmp_path)
    assert (ended.code, ended.stdout) == (64, "")
    assert [
        name for name in COMMAND_MODULES if not re.search(rf"^  {name} ", ended.stderr, re.MULTILINE)
    ] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pln",), "did you mean plan?"),
        (("secret", "ste"), "did you mean set?"),
        (("plan", "--detailed-exit"), "--detailed-exitcode"),
        (("plan", "--format", "yaml"), "text"),
        (("plan", "--fail-on", "exposures"), "exposure"),
        (("apply", "--parallelism", "0"), "1<=x<=32"),
        (("explain", "KT45"), "did you mean KT"),
        (("schema", "plans"), "there are connection"),
    ],
)
def test_wrong_usage(tmp_path, words, said):
    """64 and the nearest right word: 2 would read as "changes wait"."""
    ended = here(tmp_path, *words)
    assert ended.code == 64
    assert said in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize(
    ("words", "env", "ttys", "coloured"),
    [
        ((), {}, (), False),
        ((), {"FORCE_COLOR": "1"}, (), True),
        ((), {}, ("stdout", "stderr"), True),
        ((), {}, ("stdout",), False),
        ((), {"NO_COLOR": "1"}, ("stdout", "stderr"), False),
        ((), {"TERM": "dumb"}, ("stdout", "stderr"), False),
        (("--no-color",), {"FORCE_COLOR": "1"}, (), False),
    ],
)
def test_colour_of_messages(tmp_path, words, env, ttys, coloured):
    """Colours go to a terminal that wants them, and to nothing else; the flag stands anywhere."""
    for line in ((*words, "plan"), ("plan", *words)):
        ended = here(tmp_path, *line, env=env, ttys=ttys)
        assert ended.code == 1
        assert ("\x1b[" in ended.stderr) is coloured


def test_a_reader_that_went_away_is_no_error(tmp_path):
    """`keyturn explain | head -1` ends quietly."""
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(
        [sys.executable, "-m", "keyturn", "explain"], stdout=write, stderr=subprocess.PIPE, cwd=tmp_path
    ) as process:
        os.close(write)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, b"")


def test_a_full_disk_behind_a_pipe_is_said(tmp_path):
    """What could not be written was not delivered."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123  # a device
        done = subprocess.run(
            [sys.executable, "-m", "keyturn", "explain"],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            check=False,
        )
    assert done.returncode == 1
    assert b"KT045" in done.stderr


@pytest.mark.parametrize("place", ["before", "behind", "both"])
def test_another_folder_is_as_if_one_stood_there(setup, canary, place):
    """Every path is meant from there, wherever --chdir stands; twice is one after the other, as with git."""
    setup.repo.credential("prod-db", {"password": canary()})
    above, name = setup.repo.root.parent, setup.repo.root.name

    def there(*words):
        line = {
            "before": ("-C", name, *words),
            "behind": (*words, "-C", name),
            "both": ("-C", ".", *words, "--chdir", name),
        }[place]
        return run_in_process(line, cwd=above, env=setup.repo.environment())

    assert there("validate", "manifests/prod/credentials/prod-db.yaml").code == 0
    assert there("plan", "--out", "plan.kt").code == 0
    assert there("apply", "plan.kt").code == 0
    assert [path.name for path in above.glob("*.kt")] == []
    assert run_in_process(["plan", "-C", "nowhere"], cwd=above, env={}).code == 64
