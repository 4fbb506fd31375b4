"""The usage report as HTML, in a parser and in a browser."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from datetime import date
from html.parser import HTMLParser

import pytest
from hypothesis import given
from msgspec.structs import replace

from keyturn.model.usage import CredentialUsage, CredentialUsers, UsageReport
from keyturn.views.reports.usage_html import SEARCH_SCRIPT, render_usage_html
from sample_plans import hostile_texts
from sample_resources import credential_address

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


PROBE = """
const boxes = Array.from(document.querySelectorAll("svg.diagram g")).map((group) => {
  const box = group.querySelector("rect"), place = box.getBoundingClientRect();
  return {left: place.left, right: place.right, ink: getComputedStyle(group.querySelector("text")).fill,
          ground: getComputedStyle(box).fill};
});
const shown = document.createElement("pre");
shown.id = "probe";
shown.textContent = JSON.stringify(boxes);
document.body.append(shown);
"""
"""Writes the position and colours of each box of the diagram to the page."""


def review(*names):
    """Return a usage report of some credentials, each with one connection."""
    usages = [
        CredentialUsage(
            address=credential_address(name),
            type="database",
            users=CredentialUsers(connections=(f"c-{name}",)),
        )
        for name in names
    ]
    return UsageReport(
        workspace="prod", organization="o", today=date(2026, 3, 1), notice_days=30, usages=tuple(usages)
    )


class Tags(HTMLParser):
    """Collects the tags of a page and their attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Keep a tag."""
        self.found.append((tag, dict(attrs)))


def test_policy_allows_only_its_script():
    """By the digest of the script."""
    page = render_usage_html(review("prod-db"))
    digest = base64.b64encode(hashlib.sha256(SEARCH_SCRIPT.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert re.findall(r"<script>(.*?)</script>", page, re.DOTALL) == [SEARCH_SCRIPT]


def test_nothing_is_loaded():
    """No URL, event handler or frame."""
    tags = Tags(render_usage_html(review("prod-db"))).found
    assert not {"link", "iframe", "img", "object", "form", "base"} & {tag for tag, _ in tags}
    assert not [
        name for _, names in tags for name in names if name in {"src", "href"} or name.startswith("on")
    ]


@given(hostile_texts())
def test_any_name_is_text(said):
    """Well-formed, and only elements of the renderer."""
    kinds = [tag for tag, _ in Tags(render_usage_html(review(said))).found]
    assert kinds == [tag for tag, _ in Tags(render_usage_html(review("prod-db"))).found]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_browser_searches_the_table(tmp_path):
    """The script runs under the policy of the page, counts the rows and shows the search field."""
    page = tmp_path / "review.html"
    page.write_text(render_usage_html(review("prod-db", "prod-s3")), encoding="utf-8")
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


def worked(*names):
    """Return a usage report of credentials, each with a connection, a pipeline, a sync and a schedule."""
    usages = []
    for name in names:
        links = (
            (f"connection/c-{name}", f"pipeline/nightly {name}"),
            (f"connection/c-{name}", f"sync/crm {name}"),
            (f"pipeline/nightly {name}", f"schedule/2030-01-01T03:00:00Z (sch-{name})"),
        )
        reach = CredentialUsers(
            connections=(f"c-{name}",), pipelines=(f"nightly {name}",), schedules=1, links=links
        )
        usages.append(CredentialUsage(address=credential_address(name), type="database", users=reach))
    return replace(review(), usages=tuple(usages))


def test_diagram_links_credential_to_schedule():
    """Credential, connection, pipeline and sync, schedule: a box each, with arrows."""
    page = render_usage_html(worked("prod-db"))
    titles = re.findall(r"<g class=\"[a-z]+\"><title>([^<]+)</title>", page)
    assert titles == [
        "credential/prod-db",
        "connection/c-prod-db",
        "pipeline/nightly prod-db",
        "sync/crm prod-db",
        "schedule/2030-01-01T03:00:00Z (sch-prod-db)",
    ]
    assert page.count("<path ") == 4
    assert "connection/c-prod-db uses credential/prod-db; pipeline/nightly prod-db uses" in page


def test_a_thousand_credentials_are_all_in_the_table():
    """The diagram shows some, and says so."""
    found = worked(*(f"prod-{number:04}" for number in range(1000)))
    late = replace(found.usages[-1], rotated=date(2020, 1, 1), max_age_days=90)
    page = render_usage_html(replace(found, usages=(*found.usages[:-1], late)))
    assert page.count('<th scope="row">') == 1000
    assert "The diagram shows 40 of 1,000 credentials" in page
    assert "<title>credential/prod-0999</title>" in page
    assert "<title>schedule/2030-01-01T03:00:00Z (sch-prod-0999)</title>" in page
    assert "more are not drawn" in page
    assert len(page) < 1_500_000


def test_unknown_users_are_named_beside_the_diagram():
    """A diagram without pipelines looks like that of a workspace without any."""
    reach = CredentialUsers(connections=("c",), pipelines=None, schedules=None)
    hidden = CredentialUsage(address=credential_address("prod-db"), type="database", users=reach)
    page = render_usage_html(replace(review(), usages=(hidden,)))
    assert "Unknown, not in the diagram: pipelines, schedules." in page
    assert "Not known" not in render_usage_html(worked("prod-db"))


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_draws_the_diagram(tmp_path, scheme):
    """Every box is on the page, right of what it uses, with enough contrast."""
    page = tmp_path / "review.html"
    text = render_usage_html(worked("prod-db", "prod-s3"))
    # The probe stands in for a reader: the page's own policy would not let it in.
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    page.write_text(text.replace("</body>", f"<script>{PROBE}</script></body>"), encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'p'}"]
    command += ["--window-size=1400,1400", *(["--force-dark-mode"] if scheme == "dark" else [])]
    done = subprocess.run(
        [*command, "--virtual-time-budget=2000", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    (told,) = re.findall(r'<pre id="probe">(.*?)</pre>', done.stdout, re.DOTALL)
    found = json.loads(told)
    assert len(found) == 10
    assert all(0 <= each["left"] < each["right"] <= 1400 for each in found)
    columns = sorted({round(each["left"]) for each in found})
    assert len(columns) == 4
    assert all(each["ink"] != each["ground"] for each in found)
