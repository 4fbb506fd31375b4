"""Layers: the contracts of import-linter hold, and cover every package."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sources import ROOT, list_imports, list_modules

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract["name"] for contract in SETTINGS["contracts"]}
LINTER = Path(sys.executable).parent / "lint-imports"


WRONG = {
    "layers": ("keyturn/model/fields.py", "import keyturn.files.discovery"),
    "views": ("keyturn/views/plan/builder.py", "import keyturn.client.errors"),
    "client": ("keyturn/client/retry.py", "import keyturn.model.plan"),
    "pure": ("keyturn/model/plan.py", "import deepdiff"),
    "cycles": ("keyturn/model/address.py", "import keyturn.model.resource"),
    "emulator": ("planasonix_emulator/storage/store.py", "import keyturn.model.secret"),
    "demo": ("keyturn/operations/plan/plan.py", "import planasonix_emulator.storage.store"),
}
"""For each contract an import that breaks it."""


def lint(folder, **environment):
    """Run import-linter; what it said of each contract by name, and whether it was content."""
    ended = subprocess.run(
        [LINTER, "--no-cache"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = dict(re.findall(r"^(.+?) (KEPT|BROKEN)(?: \(.*\))?$", ended.stdout, re.MULTILINE))
    return ended.returncode == 0, verdicts


def test_contracts_are_kept():
    """Every arrow between the packages points the way it should."""
    content, verdicts = lint(ROOT)
    assert verdicts == dict.fromkeys(CONTRACTS.values(), "KEPT")
    assert content


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """Lint a copy of the sources in which each contract is broken once."""
    folder = tmp_path_factory.mktemp("broken")
    lines = dict(WRONG.values())
    for module in list_modules():
        path = folder / "src" / module.place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{module.text}\n{lines.pop(module.place, '')}\n")
    assert lines == {}
    shutil.copy(ROOT / "pyproject.toml", folder)
    return lint(folder, PYTHONPATH=str(folder / "src"))


@pytest.mark.parametrize("contract", CONTRACTS)
def test_contracts_can_break(broken, contract):
    """An import in the wrong direction breaks the contract that is about it."""
    content, verdicts = broken
    assert not content
    assert verdicts[CONTRACTS[contract]] == "BROKEN"


def test_imports_are_absolute():
    """An import names its module in full, so that the contracts and a reader see where it points."""
    assert [
        module.place
        for module in list_modules()
        if any(name.startswith(".") for name in list_imports(module))
    ] == []
