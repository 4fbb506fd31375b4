"""The README: what it promises on its first screen holds."""

import ast
import re

from sources import ROOT, modules

README = (ROOT / "README.md").read_text("utf-8")
PICTURE = re.search(r"```\n(files ──.*?)```", README, re.DOTALL)[1]
CALLS = {"load": "load", "observe": "observe", "protect": "protect", "diff": "diff", "guard": "assemble"}
"""Each arrow of the picture by the function that the pipeline calls for it."""


def test_the_picture_is_the_pipeline():
    """The words of the picture are what `plan` calls, and in this order where order matters."""
    (planning,) = (module for module in modules() if module.name == "keyturn.operations.plan.plan")
    (plan,) = (node for name, node in planning.functions if name == "plan")
    source = ast.unparse(plan)
    for word, call in CALLS.items():
        assert word in PICTURE
        assert re.search(rf"\b{call}\(", source), call
    assert source.index("observe(") < source.index("protect(") < source.index("assemble(")
    (assembling,) = (node for name, node in planning.functions if name == "assemble")
    assert "guard(" in ast.unparse(assembling)


def test_the_site_begins_with_the_same_picture():
    """There is one picture."""
    assert PICTURE in (ROOT / "docs" / "index.md").read_text("utf-8")


def test_it_is_set_up_by_two_commands():
    """A clone and a target, and the targets that are named exist."""
    block = re.search(r"```sh\n(git clone.*?)```", README, re.DOTALL)[1]
    assert len(block.strip().splitlines()) == 2
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"setup", "demo", "test"} <= named <= targets


def test_the_first_screen_says_what_it_is():
    """Name, what it does and the picture stand in the first twenty lines."""
    first = "\n".join(README.splitlines()[:20])
    assert "as code" in first
    assert PICTURE.strip() in first


def test_extras_that_are_named_exist():
    """What a reader is told to install can be installed."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    for page in [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples" / "ci").rglob("*.yml"),
    ]:
        for extras in re.findall(r"keyturn\[([a-z,]+)\]", page.read_text("utf-8")):
            assert all(re.search(rf"^{extra} = \[", text, re.MULTILINE) for extra in extras.split(",")), page
