"""The plan as a page."""

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from keyturn.render.html import html
from keyturn.render.view import view
from plans import CASES, crowd, hostile_plan, hostile_text

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
VOID = {"meta", "br", "rect", "path"}
OURS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "a",
    "header",
    "main",
    "footer",
    "section",
    "h1",
    "h2",
}
OURS |= {
    "p",
    "ul",
    "li",
    "b",
    "div",
    "span",
    "code",
    "details",
    "summary",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
OURS |= {"svg", "desc", "g", "rect", "text", "path"}


class Page(HTMLParser):
    """The elements, attributes and texts of a page; raises where elements do not nest."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.words, self._open = [], [], [], []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        """Take an element."""
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Take an element without content."""
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        """Close the element that was opened last."""
        assert self._open.pop() == tag

    def handle_data(self, data):
        """Take text."""
        self.words.append(data)

    def handle_comment(self, data):
        """Refuse comments: we draw none."""
        raise AssertionError(data)


@pytest.mark.parametrize("case", CASES)
def test_golden(case, golden):
    """Every case."""
    golden(f"{case}.html", html(view(CASES[case])))


@settings(max_examples=60)
@given(hostile_text())
def test_no_text_becomes_an_element(said):
    """For any text anywhere in a plan: our elements alone, nested, without handlers or addresses."""
    page = Page(html(view(hostile_plan(said))))
    assert set(page.tags) <= OURS
    names = {name for name, _ in page.attributes}
    assert not {name for name in names if name.startswith("on")} | (
        names & {"src", "style", "action", "srcdoc"}
    )
    assert {value for name, value in page.attributes if name == "href"} == {"#changes"}


def test_a_reader_finds_the_way():
    """Language, title, landmarks, headings in order, tables with scopes, symbols that are not read out."""
    text = html(view(CASES["everything"]))
    page = Page(text)
    assert '<html lang="en">' in text
    assert [tag for tag in page.tags if tag in {"header", "main", "footer", "h1"}] == [
        "header",
        "h1",
        "main",
        "footer",
    ]
    assert ("scope", "row") in page.attributes
    assert text.count('class="symbol') == text.count('aria-hidden="true"')


def test_everything_is_on_the_page():
    """The page is where the whole is."""
    text = html(view(crowd(500)))
    assert all(f"connection/prod-{number:05}<" in text for number in range(500))


def test_grave_entries_are_open():
    """What exposes or destroys is seen without a click; what updates is folded."""
    text = html(view(CASES["exposure"]))
    exposing, updating = text.split("<h2")[1:3]
    assert "<details open>" in exposing
    assert "<details open>" not in updating


def test_the_summary_is_on_the_page():
    """As in every other drawing."""
    assert f"<b>{view(CASES['empty']).summary}</b>" in html(view(CASES["empty"]))


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on PATH")
@pytest.mark.parametrize("case", ["everything", "hostile"])
def test_a_browser_draws_it(case, tmp_path):
    """In a real browser: the page fills, its style is let in, and nothing is refused or run."""
    source, shot = tmp_path / "plan.html", tmp_path / "plan.png"
    source.write_text(html(view(CASES[case])), "utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"]
    folder = [f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={shot}", "--window-size=1000,2400"]
    command = [BROWSER, *flags, *folder, source.as_uri()]
    home = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env=home)
    assert shot.read_bytes().startswith(b"\x89PNG")
    assert shot.stat().st_size > 50_000
    assert not re.search(r"CONSOLE|Content Security Policy", done.stderr)
