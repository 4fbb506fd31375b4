"""Files are examined alike, whether this process does it or several others do."""

import json
import subprocess
import sys

import pytest

RECIPE = """
import dataclasses, json, os, sys
from pathlib import Path
from keyturn.load import examining
from keyturn.load.files import survey
from keyturn.policy.settings import Settings

examining.MANY = int(sys.argv[2])
sources = survey(Path(sys.argv[1]), ("manifests",)).sources
seen = [one for _, one in examining.examined(sources, Settings())]
print(json.dumps({
    "trees": [one.document and one.document.tree for one in seen],
    "places": [one.document and sorted(map(repr, one.document.places.items())) for one in seen],
    "fits": [one.fits for one in seen],
    "findings": [[dataclasses.astuple(finding) for finding in one.findings] for one in seen],
    "children": os.times().children_user + os.times().children_system > 0,
}))
"""
GOOD = "kind: connection\nname: {}\ntype: postgres\ncredential: db\nconfig:\n  host: db.example\n"
BAD = {
    "unknown": GOOD.format("unknown") + "colour: red\n",
    "broken": "kind: [\n",
    "another-name": GOOD.format("x"),
    "empty": GOOD.format("empty") + "labels: {}\n",
}


@pytest.fixture
def repository(tmp_path):
    """Return a folder of manifests, right and wrong ones mixed."""
    folder = tmp_path / "manifests"
    folder.mkdir()
    for name in ("a", "b", "m", "z"):
        (folder / f"{name}.yaml").write_text(GOOD.format(name))
    for name, text in BAD.items():
        (folder / f"{name}.yaml").write_text(text)
    return tmp_path


def examined(repository, many):
    """Return what a process of its own finds, which shares the work from ``many`` files on."""
    words = [sys.executable, "-c", RECIPE, repository, str(many)]
    ended = subprocess.run(words, capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    return json.loads(ended.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="work is shared on Linux only")
def test_shared_work_finds_the_same(repository):
    """Documents, places, findings and their order do not depend on who looks."""
    alone, shared = examined(repository, 1000), examined(repository, 1)
    assert (alone.pop("children"), shared.pop("children")) == (False, True)
    assert alone == shared


def test_a_file_is_read_judged_and_found_fit_or_not(repository):
    """Nothing stops at a broken file; what fits a schema is told apart from what does not."""
    found = examined(repository, 1000)
    names = sorted([*BAD, "a", "b", "m", "z"])
    assert [name for name, tree in zip(names, found["trees"], strict=True) if tree is None] == ["broken"]
    assert dict(zip(names, found["fits"], strict=True)) == {
        "a": True,
        "another-name": False,
        "b": True,
        "broken": False,
        "empty": True,
        "m": True,
        "unknown": False,
        "z": True,
    }
    codes = dict(zip(names, ([one[0] for one in each] for each in found["findings"]), strict=True))
    assert (codes["a"], codes["another-name"], codes["unknown"]) == ([], ["KT141"], ["KT131"])
    assert codes["broken"] == ["KT106"]
