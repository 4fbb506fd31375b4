"""The review as a page, in a parser and in a real browser."""

import base64
import hashlib
import re
import shutil
import subprocess
from datetime import date
from html.parser import HTMLParser

import pytest
from hypothesis import given

from keyturn.core.usage import Reach, Review, Usage
from keyturn.render.usage_html import SCRIPT, usage_html
from making import credential
from plans import hostile_text

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def review(*names):
    """Return a review of some credentials, each used by one connection."""
    usages = [
        Usage(address=credential(name), type="database", reach=Reach(connections=(f"c-{name}",)))
        for name in names
    ]
    return Review(workspace="prod", organization="o", today=date(2026, 3, 1), notice=30, usages=tuple(usages))


class Tags(HTMLParser):
    """Collects the tags of a page and their attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Keep a tag."""
        self.found.append((tag, dict(attrs)))


def test_the_policy_lets_in_its_own_script_and_nothing_else():
    """The digest in the policy is that of the script on the page."""
    page = usage_html(review("prod-db"))
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert re.findall(r"<script>(.*?)</script>", page, re.DOTALL) == [SCRIPT]


def test_nothing_is_loaded():
    """No address, no handler, no frame."""
    tags = Tags(usage_html(review("prod-db"))).found
    assert not {"link", "iframe", "img", "object", "form", "base"} & {tag for tag, _ in tags}
    assert not [
        name for _, names in tags for name in names if name in {"src", "href"} or name.startswith("on")
    ]


@given(hostile_text())
def test_any_name_is_text(said):
    """For any name, the page has the same tags as for a plain one."""
    kinds = [tag for tag, _ in Tags(usage_html(review(said))).found]
    assert kinds == [tag for tag, _ in Tags(usage_html(review("prod-db"))).found]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_browser_searches_the_table(tmp_path):
    """The script runs under the page's own policy: it counts the rows, and shows the search field."""
    page = tmp_path / "review.html"
    page.write_text(usage_html(review("prod-db", "prod-s3")), encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'p'}"]
    done = subprocess.run(
        [*command, "--virtual-time-budget=2000", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert ">2 of 2</span>" in done.stdout
    assert "<p hidden" not in done.stdout
