"""Layers: the contracts of import-linter hold, and cover every package."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sources import ROOT, imports, modules

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LINTER = Path(sys.executable).parent / "lint-imports"


def test_contracts_are_kept():
    """Every arrow between the packages points the way it should."""
    ended = subprocess.run([LINTER, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken" in ended.stdout


@pytest.mark.parametrize(
    ("place", "line", "contract"),
    [
        ("keyturn/core/fields.py", "import keyturn.load.files", "layers"),
        ("keyturn/load/files.py", "import keyturn.api.errors", "layers"),
        ("keyturn/ledger/document.py", "import keyturn.policy.settings", "edges"),
        ("keyturn/render/view.py", "import keyturn.api.errors", "drawing"),
        ("keyturn/api/retry.py", "import keyturn.core.plan", "service"),
        ("keyturn/core/plan.py", "import deepdiff", "pure"),
        ("planasonix_emulator/store.py", "import keyturn.core.secret", "strangers"),
        ("keyturn/engine/planning.py", "import planasonix_emulator.store", "service only"),
    ],
)
def test_contracts_can_break(tmp_path, place, line, contract):
    """An import in the wrong direction breaks the contract that is about it."""
    copy = tmp_path / "src"
    for module in modules():
        path = copy / module.place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(module.text + (f"\n{line}\n" if module.place == place else ""))
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    ended = subprocess.run(
        [LINTER, "--no-cache", "--contract", contract],
        cwd=tmp_path,
        env={"PYTHONPATH": str(copy), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "0 kept, 1 broken" in ended.stdout


def test_imports_are_absolute():
    """An import names its module in full, so that the contracts and a reader see where it points."""
    assert [
        module.place for module in modules() if any(name.startswith(".") for name in imports(module))
    ] == []
