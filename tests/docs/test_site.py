"""The site builds without a warning, and every link has a target."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sources import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
EXTERNAL_RESOURCE = re.compile(r"<(?:script|img|iframe)[^>]+src=\"https?:|<link[^>]+stylesheet[^>]+https?:")
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(#[^)\s]+)?\)")
MKDOCS = Path(sys.executable).parent / "mkdocs"


def anchors(page):
    """Return the anchors of a page in the form that GitHub derives from headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_link_targets_exist(page):
    """The files and headings that a page links to exist."""
    for target, anchor in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        target_page = (page.parent / target).resolve() if target else page
        assert target_page.exists(), target
        assert not anchor or anchor[1:] in anchors(target_page), target + anchor


@pytest.mark.skipif(not MKDOCS.exists(), reason="mkdocs is not installed")
def test_the_site_builds(tmp_path):
    """The strict build passes, and pages load no script, style or image from another host."""
    done = subprocess.run(
        [MKDOCS, "build", "--strict", "--quiet", "-f", ROOT / "mkdocs.yml", "--site-dir", tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    built = sorted(tmp_path.rglob("*.html"))
    assert len(built) >= len(list((ROOT / "docs").rglob("*.md")))
    for page in built:
        text = page.read_text("utf-8")
        assert not EXTERNAL_RESOURCE.search(text), page
        assert "```" not in text, f"{page}: a code block is not rendered"
