"""Requirements: everything pinned, by hash, without an index, and what pyproject asks for."""

import re
import tomllib
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sources import ROOT

FILES = ("runtime", "demo", "dev")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = PROJECT["project"]["dependencies"]
EXTRAS = [each for group in PROJECT["project"]["optional-dependencies"].values() for each in group]
BUILD = [
    line
    for line in (ROOT / "requirements/build.in").read_text().splitlines()
    if line and not line.startswith("#")
]
ASKED = {
    "runtime": RUNTIME,
    "demo": [*RUNTIME, *EXTRAS, *BUILD],
    "dev": [*RUNTIME, *EXTRAS, *BUILD, *PROJECT["dependency-groups"]["dev"]],
}
PIN = re.compile(
    r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)(?: ; [^\\\n]*)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+",
    re.MULTILINE,
)


def text(name):
    """Return a requirement file without its comments."""
    lines = (ROOT / f"requirements/{name}.txt").read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.lstrip().startswith("#"))


def pins(name):
    """Return the versions of a requirement file by name."""
    return {canonicalize_name(match[1]): match[2] for match in PIN.finditer(text(name))}


@pytest.mark.parametrize("name", FILES)
def test_everything_is_pinned_by_hash(name):
    """A requirement file holds nothing but pins with hashes: no option, no address."""
    assert PIN.sub("", text(name)).strip() == ""
    assert "://" not in (ROOT / f"requirements/{name}.txt").read_text()


@pytest.mark.parametrize("name", FILES)
def test_what_is_asked_for_is_there(name):
    """Each requirement of the project is pinned to a version that satisfies it."""
    versions = pins(name)
    for asked in map(Requirement, ASKED[name]):
        assert asked.specifier.contains(versions[canonicalize_name(asked.name)]), asked


@pytest.mark.parametrize("name", FILES)
def test_what_extras_ask_for_is_there(name):
    """Where a library is asked for with an extra, what the extra needs is pinned too."""
    versions = pins(name)
    for asked in map(Requirement, ASKED[name]):
        for below in map(Requirement, requires(asked.name) or []) if asked.extras else ():
            if below.marker and any(below.marker.evaluate({"extra": extra}) for extra in asked.extras):
                assert canonicalize_name(below.name) in versions, f"{asked} needs {below}: make lock"


def test_sets_agree():
    """The smaller sets are parts of the larger ones, at the same versions."""
    assert pins("runtime").items() <= pins("demo").items() <= pins("dev").items()
    assert len(pins("runtime")) < len(pins("demo")) < len(pins("dev"))


def test_the_product_needs_little():
    """What users install beside keyturn stays a short list."""
    assert len(pins("runtime")) <= 30
