"""Pipelines run as their runners would: each step's script in a shell of its own, files between them.

Actions (``uses:``) are not run; what they would do, a checkout, is the test's business. ``pipx`` and
``pip install`` are stood in for: what they would install is there already. ``gh`` is stood in for by
``stand_in_gh.py``, which keeps comments in a file.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import canary
from sources import ROOT

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_INSTALLS = re.compile(r"(pipx|pip) install 'keyturn\[sops\]'")
_GH = ROOT / "tests" / "stand_in_gh.py"


@dataclass(frozen=True, slots=True)
class Step:
    """How a step ended."""

    name: str
    code: int
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A machine with a clone; ``context`` answers expressions by their text, ``always`` is in every step."""

    clone: Path
    ground: Path
    context: Mapping[str, str]
    always: Mapping[str, str] = field(default_factory=dict)

    def github(self, workflow: Path, job: str) -> Iterator[Step]:
        """Run the steps of a job until one fails, as GitHub's runner does: ``bash -e`` for each."""
        tree = yaml.safe_load(workflow.read_text("utf-8"))
        for step in tree["jobs"][job]["steps"]:
            if "run" in step and self._wanted(step.get("if", "")):
                told = {name: self._filled(str(value)) for name, value in step.get("env", {}).items()}
                done = self._shell(step.get("name", step["run"]), self._filled(step["run"]), told, ("-e",))
                yield done
                if done.code:
                    return

    def gitlab(self, pipeline: Path, job: str, **told: str) -> Step:
        """Run a job's script with what goes before it, as GitLab's runner does: in one shell."""
        tree = yaml.safe_load(pipeline.read_text("utf-8"))
        lines = [*tree["default"]["before_script"], *tree[job]["script"]]
        return self._shell(job, "\n".join(lines), told, ("-eo", "pipefail"))

    def outputs(self) -> dict[str, str]:
        """Return what steps wrote for later jobs."""
        lines = self._file("output").read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def summary(self) -> str:
        """Return what steps wrote for the page of the run."""
        return self._file("summary").read_text("utf-8")

    def comments(self) -> str:
        """Return the file in which the stand-in for gh keeps comments."""
        place = self.ground / "comments.json"
        return place.read_text("utf-8") if place.exists() else "[]"

    def _wanted(self, condition: str) -> bool:
        return not condition or self.context[condition] == "true"

    def _filled(self, text: str) -> str:
        return _EXPRESSION.sub(lambda found: self.context[found[1]], text)

    def _file(self, name: str) -> Path:
        place = self.ground / name
        place.touch()
        return place

    def _shell(self, name: str, script: str, told: Mapping[str, str], flags: tuple[str, ...]) -> Step:
        place = self.ground / "step.sh"
        place.write_text(script, "utf-8")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", *flags, str(place)],
            cwd=self.clone,
            env={**self._environment(), **self.always, **told},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
        )
        canary.current().record(f"the step {name}", done.stdout)
        return Step(name, done.returncode, done.stdout)

    def _environment(self) -> dict[str, str]:
        tools = self.ground / "tools"
        if not tools.exists():
            tools.mkdir()
            for name in ("pipx", "pip"):
                _write(tools / name, '#!/bin/bash\n[ "$*" = "install keyturn[sops]" ]\n')
            _write(tools / "gh", f'#!/bin/bash\nexec {sys.executable} {_GH} "$@"\n')
        home = self.ground / "home"
        home.mkdir(exist_ok=True)
        return {
            **{name: value for name, value in os.environ.items() if name.startswith(("GIT_", "TMP"))},
            "PATH": os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(home),
            "GH_COMMENTS": str(self.ground / "comments.json"),
            "GITHUB_OUTPUT": str(self._file("output")),
            "GITHUB_STEP_SUMMARY": str(self._file("summary")),
        }


def _write(place: Path, text: str) -> None:
    place.write_text(text, "utf-8")
    place.chmod(0o755)


def scripts(tree: Any) -> Iterator[str]:
    """Yield every script of a GitHub workflow."""
    for job in tree["jobs"].values():
        yield from (step["run"] for step in job["steps"] if "run" in step)
