"""The README: its first screen describes the product, and its commands, extras and diagram are valid."""

import re

from sources import ROOT, list_modules

README = (ROOT / "README.md").read_text("utf-8")
DIAGRAM = re.search(r"```\n(manifests/ ──.*?)```", README, re.DOTALL)[1]
MODULES_OF_STAGES = {
    "loader": "keyturn.manifests.loader",
    "reader": "keyturn.state.reader",
    "observe": "keyturn.operations.observe",
    "scope": "keyturn.planning.scope",
    "diff": "keyturn.planning.diff",
    "exposure": "keyturn.planning.exposure",
    "scheduling": "keyturn.planning.scheduling",
    "guards": "keyturn.planning.guards",
    "lock": "keyturn.state.lock",
    "journal": "keyturn.state.journal",
}
"""Stages of the diagram and the modules that implement them."""


def test_the_diagram_names_modules():
    """Each stage of the diagram is a module."""
    names = {module.name for module in list_modules("keyturn")}
    for stage, module in MODULES_OF_STAGES.items():
        assert re.search(rf"\b{stage}\b", DIAGRAM), stage
        assert module in names


def test_the_site_has_the_same_diagram():
    """The first page of the site shows the diagram of the README."""
    assert DIAGRAM in (ROOT / "docs" / "index.md").read_text("utf-8")


def test_two_commands_set_it_up():
    """The setup is a clone and a make target, and all named targets exist."""
    block = re.search(r"```sh\n(git clone.*?)```", README, re.DOTALL)[1]
    assert len(block.strip().splitlines()) == 2
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"setup", "demo", "test"} <= named <= targets


def test_the_first_screen_describes_the_product():
    """The purpose and the diagram are in the first 20 lines."""
    first = "\n".join(README.splitlines()[:20])
    assert "as code" in first
    assert DIAGRAM.strip() in first


def test_named_extras_exist():
    """Each extra of an install command is defined in pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    for page in [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples" / "ci").rglob("*.yml"),
    ]:
        for extras in re.findall(r"keyturn\[([a-z,]+)\]", page.read_text("utf-8")):
            assert all(re.search(rf"^{extra} = \[", text, re.MULTILINE) for extra in extras.split(",")), page
