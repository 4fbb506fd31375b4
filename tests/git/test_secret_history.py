"""Commit dates of ciphertexts."""

import hashlib
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from keyturn.git.secret_history import MAX_LOG_BYTES, HistoryQuery, SecretHistory, find_secret_dates

TODAY = date(2026, 3, 1)
FILE = "m/prod-db.yaml"


def cipher(number):
    """Return a ciphertext as SOPS writes it, a different one for each number."""
    return f"ENC[AES256_GCM,data:{number:08d},iv:aXY=,tag:dGFn,type:str]"


def text(*numbers, host="a"):
    """Return a manifest with one secret for each number."""
    secrets = "".join(f"  s{at}: {cipher(number)}\n" for at, number in enumerate(numbers))
    return f"kind: credential\nconfig:\n  host: {host}\nsecrets:\n{secrets}"


class Clone:
    """A repository, and a project in it."""

    def __init__(self, top, project=""):
        self.top = top
        self.root = top / project
        self.root.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words, day="2026-01-01"):
        """Run git as somebody would on a day."""
        dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"{day}T12:00:00Z")
        done = subprocess.run(
            ["git", *words], cwd=self.top, env=os.environ | dates, check=True, capture_output=True
        )
        return done.stdout.decode()

    def write(self, file, content):
        """Write a file of the project."""
        (self.root / file).parent.mkdir(parents=True, exist_ok=True)
        (self.root / file).write_text(content)

    def commit(self, day, **files):
        """Commit all there is on a day, after writing the manifest ``db`` and others by that name."""
        for name, content in files.items():
            self.write(f"m/prod-{name}.yaml", content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x", day=day)

    def ask(self, *numbers, file=FILE, max_bytes=MAX_LOG_BYTES, path=os.environ["PATH"], **more):
        """Return the days of the numbers' ciphertexts as text, or the whole answer where one is missing."""
        digests = {number: hashlib.sha256(cipher(number).encode()).hexdigest() for number in numbers}
        usual = {"root": self.root, "folders": ("m/prod", "m", "n"), "expected_since": date(2025, 12, 1)}
        question = HistoryQuery(
            **usual | more, ciphertext_digests={file: frozenset(digests.values())}, today=TODAY
        )
        found = find_secret_dates(question, os.environ | {"PATH": path}, max_bytes)
        days = [found.dates.get(digest) for digest in digests.values()]
        return found if None in days or found.error else [day.isoformat() for day in days]


@pytest.fixture
def clone(tmp_path):
    """Return an empty repository."""
    return Clone(tmp_path / "clone")


def test_dates_a_secret_by_its_first_commit(clone):
    """A change next to it or of another secret does not change the date."""
    clone.commit("2025-10-01", db=text(1, 2))
    clone.commit("2026-01-05", db=text(1, 3))
    clone.commit("2026-02-01", db=text(1, 3, host="b"))
    clone.commit("2026-02-02", other=text(9))
    assert clone.ask(1, 3) == ["2025-10-01", "2026-01-05"]


def test_dates_an_uncommitted_secret_today(clone):
    """This holds in a new file, in a changed file and before the first commit."""
    clone.write(FILE, text(1))
    assert clone.ask(1) == ["2026-03-01"]
    clone.commit("2025-10-01")
    clone.write(FILE, text(2))
    assert clone.ask(2) == ["2026-03-01"]
    assert clone.ask(1, 2) == ["2025-10-01", "2026-03-01"]
    assert clone.ask(3, file="m/new.yaml") == ["2026-03-01"]


def test_does_not_read_the_whole_log_for_uncommitted_secrets(clone):
    """At the first commit before ``expected_since``, HEAD shows which secrets are committed."""
    clone.commit("2024-01-01", big="".join(text(number) for number in range(1000, 3000)))
    clone.commit("2025-10-01", db=text(1))
    assert clone.ask(7, max_bytes=70_000) == ["2026-03-01"]
    assert clone.ask(7, max_bytes=70_000, expected_since=date(2020, 1, 1)).error


def test_a_renamed_file_keeps_its_dates(clone):
    """The file may be reformatted and moved to another folder of manifests."""
    clone.write("n/old.yml", text(1, 2))
    clone.commit("2025-10-01")
    clone.write("m/x", "x")
    clone.git("mv", "n/old.yml", "m/moved.yaml")
    clone.commit("2026-01-05")
    (clone.root / "m/moved.yaml").unlink()
    clone.commit("2026-02-01", db=f"{{secrets: {{a: '{cipher(1)}', b: {cipher(2)}, c: {cipher(3)}}}}}\n")
    assert clone.ask(1, 2, 3) == ["2025-10-01", "2025-10-01", "2026-02-01"]


def test_a_project_whose_root_is_its_folder_of_manifests(clone):
    """Moved files are found in all folders, and only manifest files are read."""
    clone.write("n/old.yml", text(1))
    clone.write("n/picture.png", text(2))
    clone.commit("2025-10-01")
    clone.git("mv", "n/old.yml", "new.yaml")
    clone.git("mv", "n/picture.png", "other.yaml")
    clone.commit("2026-01-05")
    for folders in ((".",), ("./", "m")):
        assert clone.ask(1, 2, file="new.yaml", folders=folders) == ["2025-10-01", "2026-01-05"]


def test_a_file_from_another_folder_has_the_date_of_its_move(clone):
    """Other folders are not searched."""
    clone.write("elsewhere/old.yaml", text(1))
    clone.commit("2025-10-01")
    (clone.root / "m").mkdir()
    clone.git("mv", "elsewhere/old.yaml", "m/new.yaml")
    clone.commit("2026-01-05")
    assert clone.ask(1) == ["2026-01-05"]


def test_a_new_data_key_looks_like_a_change(clone):
    """A new data key changes all ciphertexts."""
    clone.commit("2025-10-01", db=text(1, 2))
    clone.commit("2026-01-05", db=text(3, 4))
    assert clone.ask(3, 4) == ["2026-01-05", "2026-01-05"]


def test_a_restored_secret_has_the_date_of_its_return(clone):
    """The old secret is in use again from that date."""
    clone.commit("2025-10-01", db=text(1))
    clone.commit("2025-11-01", db=text(2))
    clone.git("revert", "--no-edit", "HEAD", day="2025-12-24")
    assert clone.ask(1) == ["2025-12-24"]


def test_merges(clone):
    """The date is that of the side that a conflict was resolved to, or of the merge for a new value."""
    clone.commit("2025-10-01", db=text(1), other=text(5))
    clone.git("checkout", "-qb", "side")
    clone.commit("2025-10-05", db=text(2), other=text(6))
    clone.git("checkout", "-q", "main")
    clone.commit("2025-10-09", db=text(3), other=text(7))
    subprocess.run(["git", "merge", "-q", "side"], cwd=clone.top, check=False, capture_output=True)
    clone.commit("2026-01-05", db=text(2), other=text(8))
    assert len(clone.git("log", "-1", "--format=%P").split()) == 2
    assert clone.ask(2) == ["2025-10-05"]
    assert clone.ask(8, file="m/prod-other.yaml") == ["2026-01-05"]


def test_a_merge_without_a_conflict_changes_nothing(clone):
    """A secret of a branch keeps the date of its commit on the branch."""
    clone.commit("2025-10-01", db=text(1))
    clone.git("checkout", "-qb", "side")
    clone.commit("2025-10-05", db=text(2))
    clone.git("checkout", "-q", "main")
    clone.commit("2025-10-09", other=text(7))
    clone.git("merge", "-q", "--no-edit", "side", day="2026-01-05")
    assert clone.ask(2) == ["2025-10-05"]
    assert clone.ask(7, file="m/prod-other.yaml") == ["2025-10-09"]


def test_a_project_in_a_folder_of_a_repository(tmp_path):
    """Paths are relative to the root of the project."""
    clone = Clone(tmp_path / "clone", "infra/keys")
    clone.commit("2024-10-01", db=text(1))
    (clone.top / "outside.yaml").write_text(text(2))
    clone.commit("2024-10-02")
    clone.write(FILE, text(1, 3))
    assert clone.ask(1, 3) == ["2024-10-01", "2026-03-01"]


def test_a_worktree(clone, tmp_path):
    """``.git`` may be a file."""
    clone.commit("2025-10-01", db=text(1))
    clone.git("worktree", "add", "-q", str(tmp_path / "tree"))
    assert clone.ask(1, root=tmp_path / "tree") == ["2025-10-01"]


@pytest.mark.parametrize("name", ["m/a b.yaml", 'm/"q".yaml', "m/ключ-🔑.yaml", "m/HEAD:x.yaml", "m/-x.yaml"])
def test_names_of_any_kind(clone, name):
    """File names are not parsed as output of git."""
    clone.write(name, text(1))
    clone.commit("2024-10-01")
    assert clone.ask(1, file=name) == ["2024-10-01"]
    clone.write(name, text(1, 2))
    assert clone.ask(2, file=name) == ["2026-03-01"]


def test_reports_a_shallow_clone(clone, tmp_path):
    """Ciphertexts of the oldest available commit have no date; later ones have one."""
    clone.commit("2025-10-01", db=text(1))
    clone.commit("2025-11-01", db=text(1, 2))
    clone.commit("2026-01-01", db=text(1, 2, 3))
    clone.git("clone", "-q", "--depth", "2", f"file://{clone.top}", str(tmp_path / "shallow"))
    found = clone.ask(1, 2, 3, root=tmp_path / "shallow")
    assert (found.shallow, found.error) == (True, "")
    assert list(found.dates.values()) == [date(2026, 1, 1)]
    assert clone.ask(3, root=tmp_path / "shallow") == ["2026-01-01"]


def test_a_clone_without_blobs_fetches_none(clone, tmp_path):
    """The query opens no connection."""
    clone.commit("2025-10-01", db=text(1))
    clone.commit("2025-11-01", db=text(2))
    clone.git("config", "uploadpack.allowFilter", "true")
    clone.git("clone", "-q", "--filter=blob:none", f"file://{clone.top}", str(tmp_path / "partial"))
    shutil.rmtree(clone.top)
    found = clone.ask(1, root=tmp_path / "partial")
    assert found.error == "git could not read all of the history"


def test_returns_no_dates_without_a_repository(tmp_path):
    """Such a folder has no history and gives no error."""
    question = HistoryQuery(
        root=tmp_path,
        folders=("m",),
        ciphertext_digests={FILE: frozenset({"x"})},
        today=TODAY,
        expected_since=TODAY,
    )
    assert find_secret_dates(question, os.environ) == SecretHistory()


def test_reports_an_unreadable_repository(clone):
    """Git is missing, or it rejects the repository because of its owner or its content."""
    clone.commit("2025-10-01", db=text(1))
    assert clone.ask(1, path="/nowhere").error == "git could not be run"
    (clone.top / ".git" / "HEAD").write_text("rubbish")
    assert clone.ask(1).error == "git cannot read this repository"


def test_reports_a_damaged_history(clone):
    """Dates after the damaged commit are known."""
    clone.commit("2025-10-01", db=text(1))
    clone.commit("2026-01-01", db=text(1, 2))
    first = clone.git("rev-parse", "HEAD~1:m/prod-db.yaml").strip()
    hole = clone.top / ".git/objects" / first[:2] / first[2:]
    hole.chmod(0o600)
    hole.unlink()
    found = clone.ask(1, 2)
    assert found.error == "git could not read all of the history"
    assert clone.ask(2) in (["2026-01-01"], found)


def test_stops_at_the_size_limit(clone):
    """The dates found so far are returned."""
    clone.commit("2025-10-01", db=text(1))
    clone.commit("2026-01-01", other=text(2), big="".join(text(number) for number in range(1000, 3000)))
    found = clone.ask(1, max_bytes=70_000)
    assert (found.error, dict(found.dates)) == ("the git history is too long", {})


def test_stops_if_git_is_silent(clone, tmp_path, monkeypatch):
    """A repository on a hanging disk does not block the run."""
    monkeypatch.setattr("keyturn.git.secret_history.MAX_SILENT_SECONDS", 0.05)
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin/git"
    script.write_text("#!/bin/sh\nexec sleep 600\n")
    script.chmod(0o700)
    found = clone.ask(1, path=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert found == SecretHistory(error="the git history is too long")


HOSTILE = (
    "diff.external=touch {0}", "core.pager=touch {0}", "pager.log=touch {0}", "gpg.program={1}",
    "log.showSignature=true", "diff.evil.textconv=touch {0}", "diff.evil.command=touch {0}",
    "core.fsmonitor=touch {0}", "color.ui=always", "diff.noprefix=true", "log.follow=true",
    "diff.orderFile=/nowhere", "diff.renames=copies", "diff.interHunkContext=99",
    "log.diffMerges=first-parent", "log.decorate=full", "diff.submodule=log", "diff.relative=true",
    "core.quotePath=false", "log.date=raw", "format.pretty=%%x00 1", "diff.context=99",
    "core.bigFileThreshold=1",
)  # fmt: skip


def sign(clone):
    """Add a signature to the newest commit, which git would verify with a program."""
    head, _, message = clone.git("cat-file", "commit", "HEAD").partition("\n\n")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n AAAA\n -----END PGP SIGNATURE-----"
    (clone.top / "signed").write_text(f"{head}\n{signature}\n\n{message}")
    commit = clone.git("hash-object", "-t", "commit", "-w", "signed").strip()
    (clone.top / "signed").unlink()
    clone.git("update-ref", "HEAD", commit)


def test_ignores_the_settings_of_a_repository(clone, tmp_path):
    """Its attributes are ignored, too."""
    ran = tmp_path / "ran"
    signer = tmp_path / "signer"
    signer.write_text(f"#!/bin/sh\ntouch {ran}\n")
    signer.chmod(0o700)
    clone.write(".gitattributes", "*.yaml filter=evil diff=evil\n*.yml binary\n")
    clone.write("m/b.yml", text(3))
    clone.commit("2025-10-01", db=text(1))
    clone.commit("2026-01-05", db=text(2))
    sign(clone)
    for setting in HOSTILE:
        name, _, value = setting.format(ran, signer).partition("=")
        clone.git("config", name, value)
    ran.unlink(missing_ok=True)
    assert clone.ask(2) == ["2026-01-05"]
    assert clone.ask(3, file="m/b.yml") == ["2025-10-01"]
    assert not ran.exists()


def test_file_content_is_not_parsed_as_output_of_git(clone):
    """The file has a line like the header of a commit, zero bytes and a very long line."""
    forged = "\0" + "1 \n"
    clone.commit("2025-10-01", db=text(1), odd=f"a: b\n{forged}{'x' * 5_000_000}{forged}")
    clone.commit("2025-10-02", odd=f"{forged}{cipher(5)}\n")
    assert clone.ask(1) == ["2025-10-01"]


def test_no_process_stays_behind(clone, tmp_path):
    """Git is stopped after the last answer."""
    told = tmp_path / "told"
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin/git"
    script.write_text(f'#!/bin/sh\necho $$ >> {told}\nexec {shutil.which("git")} "$@"\n')
    script.chmod(0o700)
    clone.commit("2025-10-01", big="".join(text(number) for number in range(1000, 9000)))
    clone.commit("2026-01-01", db=text(1))
    assert clone.ask(1, path=f"{tmp_path / 'bin'}:{os.environ['PATH']}") == ["2026-01-01"]
    (process,) = told.read_text().split()
    assert not Path("/proc", process).exists()
