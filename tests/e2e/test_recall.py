"""An unchanged file is not parsed again, and whoever can write the ledger gains nothing to be done by it."""

import hashlib
import json
import re

LEDGER = ".keyturn/prod/ledger.json"
FILE = "manifests/prod/connections/prod-pg.yaml"


def entries(office):
    """Return the entries of the ledger by address."""
    tree = json.loads((office.repo.root / LEDGER).read_bytes())
    return {each["address"]: each for each in tree["entries"]}


def forge(office, change):
    """Write the ledger as somebody would who knows how: the digest of its first line is right again."""
    path = office.repo.root / LEDGER
    head, _, body = path.read_bytes().partition(b"\n")
    lines = []
    for line in body.decode().split("\n"):
        if line.startswith('{"address"'):
            tree = json.loads(line.rstrip(","))
            change(tree)
            line = json.dumps(tree, separators=(",", ":")) + "," * line.endswith(",")  # noqa: PLW2901
        lines.append(line)
    whole = "\n".join(lines).encode()
    digest = re.search(rb"[0-9a-f]{64}", head)[0]
    path.write_bytes(head.replace(digest, hashlib.sha256(whole).hexdigest().encode()) + b"\n" + whole)


def test_what_was_applied_is_recalled(settled):
    """Each entry holds what its file says, in words that hold no secret."""
    for address, entry in entries(settled).items():
        assert entry["gist"]["file"].endswith(address.partition("/")[2] + ".yaml")
    assert "gist" not in settled.here("plan", "--format", "json").stdout


def test_a_recalled_field_that_is_not_in_the_file_is_never_written(settled):
    """The plan would lead a connection elsewhere; its file says nothing of it."""

    def lie(tree):
        if tree["address"] == "connection/prod-pg":
            tree["gist"]["fields"] = {**tree["applied"], "/config/host": "evil.example.com"}

    forge(settled, lie)
    before = settled.writes()
    for command in (("plan",), ("apply", "--yes", "--allow-destination-change", "prod-pg")):
        done = settled.here(*command)
        assert done.code == 5, done.stderr
        assert (
            "error[KT630]: the ledger recalls connection/prod-pg otherwise than its file says" in done.stderr
        )
        assert f"--> {FILE}" in done.stderr
        assert "= fix: restore ledger.json from a backup" in done.stderr
        assert "evil.example.com" not in done.stdout + done.stderr
    assert settled.writes() == before
    assert settled.here("validate").code == 0


def test_a_file_that_is_given_out_as_another_resource_retires_nothing(settled, canary):
    """The credential's file would be taken for a connection of its name, and the credential for gone."""
    settled.repo.credential("prod-spare", {"password": canary()})
    assert settled.here("apply", "--yes").code == 0
    spare = entries(settled)["credential/prod-spare"]
    config = {"host": "db.example.com", "port": 5432, "database": "app"}
    made = [{"name": "prod-spare", "type": "postgres", "config": config}]
    (theirs,) = settled.service.seed(connections=made)["connections"]
    shown = next(each for each in settled.service.state()["connections"] if each["id"] == theirs)

    def lie(tree):
        if tree["address"] == "connection/prod-pg":
            tree["address"], tree["digest"], tree["id"] = "connection/prod-spare", spare["digest"], theirs
            tree["applied"] = tree["observed"] = {f"/config/{name}": value for name, value in config.items()}
            tree["updated_at"] = shown.get("updatedAt", "")
            tree["gist"]["file"] = spare["gist"]["file"]
        else:
            tree.pop("gist")

    forge(settled, lie)
    before = settled.writes()
    for command in (("plan",), ("apply", "--yes")):
        done = settled.here(*command, "--allow-retire", "9")
        assert (done.code, "error[KT630]" in done.stderr) == (5, True), done.stderr
    assert settled.writes() == before


def test_a_waiver_that_the_file_does_not_hold_helps_no_change(settled):
    """A ledger may claim a waiver: the file of what is about to be changed is read all the same."""
    forge(settled, lambda tree: tree["gist"].update(waivers=[["KT310", "never mind"]]))
    settled.service.edit("connections", "prod-pg", config={"host": "moved.example.com"})
    done = settled.here("plan")
    assert (done.code, "KT630" in done.stderr) == (5, True), done.stderr


def test_another_version_reads_the_file_and_recalls_it_from_then_on(settled):
    """What was not examined by these checks is examined; an apply notes it, and writes nothing else."""
    good = entries(settled)
    forge(settled, lambda tree: tree["gist"].update(passed="0" * 64))
    assert settled.here("plan", "--detailed-exitcode").code == 0
    before = settled.writes()
    assert settled.here("apply", "--yes").code == 0
    assert settled.writes() == before
    assert {address: each["gist"] for address, each in entries(settled).items()} == {
        address: each["gist"] for address, each in good.items()
    }


def test_a_ledger_without_gists_is_read_as_ever(settled):
    """One that was written before there were any."""
    forge(settled, lambda tree: tree.pop("gist"))
    assert settled.here("plan", "--detailed-exitcode").code == 0


def test_what_changed_in_a_file_is_seen(settled):
    """One character is enough."""
    path = settled.repo.root / FILE
    path.write_text(path.read_text().replace("db.example.com", "db.example.net"))
    done = settled.here("plan", "--detailed-exitcode")
    assert done.code in (2, 5)
    assert "db.example.net" in done.stdout + done.stderr
