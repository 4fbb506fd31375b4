"""The site: it builds without a warning, and every link of every page leads somewhere."""

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
ELSEWHERE = re.compile(r"<(?:script|img|iframe)[^>]+src=\"https?:|<link[^>]+stylesheet[^>]+https?:")
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(#[^)\s]+)?\)")
MKDOCS = Path(sys.executable).parent / "mkdocs"


def anchors(page):
    """Return the anchors of a page, as GitHub makes them from headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    """Files and headings that a page links to exist."""
    for target, anchor in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        place = (page.parent / target).resolve() if target else page
        assert place.exists(), target
        assert not anchor or anchor[1:] in anchors(place), target + anchor


@pytest.mark.skipif(not MKDOCS.exists(), reason="mkdocs is not installed")
def test_the_site_builds(tmp_path):
    """Strictly, and without a page, a script or a font from elsewhere."""
    done = subprocess.run(
        [MKDOCS, "build", "--strict", "--quiet", "-f", ROOT / "mkdocs.yml", "--site-dir", tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    made = sorted(tmp_path.rglob("*.html"))
    assert len(made) >= len(list((ROOT / "docs").rglob("*.md")))
    for page in made:
        text = page.read_text("utf-8")
        assert not ELSEWHERE.search(text), page
        assert "```" not in text, f"{page}: a fence that was not read as one"
