"""Runs pipelines as their CI runners do: each script in its own shell, with the files of the runner.

Actions (``uses:``) are skipped; the test prepares the checkout. Stubs replace ``pipx`` and ``pip``, because
keyturn is installed. ``fake_gh.py`` replaces ``gh`` and stores comments in a file.
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
_GH = ROOT / "tests" / "fake_gh.py"


@dataclass(frozen=True, slots=True)
class Step:
    """The exit code and output of a step."""

    name: str
    code: int
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRunner:
    """A runner with a clone; ``context`` has values of expressions, ``always`` variables of all steps."""

    clone: Path
    ground: Path
    context: Mapping[str, str]
    always: Mapping[str, str] = field(default_factory=dict)

    def github(self, workflow: Path, job: str) -> Iterator[Step]:
        """Run the steps of a job with ``bash -e`` until one fails, as GitHub does."""
        tree = yaml.safe_load(workflow.read_text("utf-8"))
        for step in tree["jobs"][job]["steps"]:
            if "run" in step and self._is_enabled(step.get("if", "")):
                variables = {name: self._expand(str(value)) for name, value in step.get("env", {}).items()}
                process = self._shell(
                    step.get("name", step["run"]), self._expand(step["run"]), variables, ("-e",)
                )
                yield process
                if process.code:
                    return

    def gitlab(self, pipeline: Path, job: str, **variables: str) -> Step:
        """Run ``before_script`` and the script of a job in one shell, as GitLab does."""
        tree = yaml.safe_load(pipeline.read_text("utf-8"))
        lines = [*tree["default"]["before_script"], *tree[job]["script"]]
        return self._shell(job, "\n".join(lines), variables, ("-eo", "pipefail"))

    def outputs(self) -> dict[str, str]:
        """Return the outputs of the steps for later jobs."""
        lines = self._file("output").read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def summary(self) -> str:
        """Return the summary of the run."""
        return self._file("summary").read_text("utf-8")

    def comments(self) -> str:
        """Return the comments of the pull request as JSON."""
        path = self.ground / "comments.json"
        return path.read_text("utf-8") if path.exists() else "[]"

    def _is_enabled(self, condition: str) -> bool:
        return not condition or self.context[condition] == "true"

    def _expand(self, text: str) -> str:
        return _EXPRESSION.sub(lambda found: self.context[found[1]], text)

    def _file(self, name: str) -> Path:
        path = self.ground / name
        path.touch()
        return path

    def _shell(self, name: str, script: str, variables: Mapping[str, str], flags: tuple[str, ...]) -> Step:
        path = self.ground / "step.sh"
        path.write_text(script, "utf-8")
        process = subprocess.run(
            ["bash", "--noprofile", "--norc", *flags, str(path)],
            cwd=self.clone,
            env={**self._environment(), **self.always, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
        )
        canary.current().record(f"the step {name}", process.stdout)
        return Step(name, process.returncode, process.stdout)

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


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.chmod(0o755)


def list_scripts(tree: Any) -> Iterator[str]:
    """Yield every script of a GitHub workflow."""
    for job in tree["jobs"].values():
        yield from (step["run"] for step in job["steps"] if "run" in step)
