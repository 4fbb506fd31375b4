"""The plan as HTML."""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from keyturn.views.plan.builder import build_view
from keyturn.views.plan.html import render_plan_html
from keyturn.views.plan.model import SectionKind
from sample_plans import CASES, hostile_texts, make_hostile_plan, make_large_plan, make_section_plan

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
def test_golden(case, assert_golden):
    """Every case."""
    assert_golden(f"{case}.html", render_plan_html(build_view(CASES[case])))


@settings(max_examples=60)
@given(hostile_texts())
def test_no_text_becomes_an_element(said):
    """Any text in a plan: only elements of the renderer, no handlers, no URLs."""
    page = Page(render_plan_html(build_view(make_hostile_plan(said))))
    assert set(page.tags) <= OURS
    names = {name for name, _ in page.attributes}
    assert not {name for name in names if name.startswith("on")} | (
        names & {"src", "style", "action", "srcdoc"}
    )
    assert {value for name, value in page.attributes if name == "href"} == {"#changes"}


def test_page_is_accessible():
    """Language, title, landmarks, ordered headings, table scopes, hidden symbols."""
    text = render_plan_html(build_view(CASES["everything"]))
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
    """The page has all entries."""
    text = render_plan_html(build_view(make_large_plan(500)))
    assert all(f"connection/prod-{number:05}<" in text for number in range(500))


def test_risky_entries_are_expanded():
    """Updates are collapsed."""
    text = render_plan_html(build_view(CASES["exposure"]))
    exposing, updating = text.split("<h2")[1:3]
    assert "<details open>" in exposing
    assert "<details open>" not in updating


def test_risky_entries_are_repeated_at_the_end():
    """As in every other format."""
    end = render_plan_html(build_view(CASES["everything"])).split("Before you approve</h2>")[1]
    for entry in build_view(CASES["everything"]).repeated:
        assert f"<code>{entry.label}</code>" in end
    assert "Before you approve" not in render_plan_html(build_view(CASES["create"]))


def test_backticks_become_code_elements():
    """The page has no backticks."""
    text = render_plan_html(build_view(CASES["findings"]))
    assert "<code>max_age</code> is 90d" in text
    assert "`" not in text.split("</style>")[1]


def test_the_summary_is_on_the_page():
    """As in every other format."""
    assert f"<b>{build_view(CASES['empty']).summary}</b>" in render_plan_html(build_view(CASES["empty"]))


def browse(folder, page, *more):
    """Open a page in Chromium; return the process, checked for anything that the browser complained of."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"]
    command = [BROWSER, *flags, f"--user-data-dir={folder / 'profile'}", *more, page.as_uri()]
    home = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env=home)
    assert not re.search(r"CONSOLE|Content Security Policy", done.stderr)
    return done


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on PATH")
@pytest.mark.parametrize("case", ["everything", "hostile", "create"])
def test_a_browser_renders_the_page(case, tmp_path):
    """Light and dark: the style applies, nothing is blocked or executed."""
    source = tmp_path / "plan.html"
    source.write_text(render_plan_html(build_view(CASES[case])), "utf-8")
    shots = []
    for scheme in ("0", "1"):
        shot = tmp_path / f"plan-{scheme}.png"
        look = f"--blink-settings=preferredColorScheme={scheme}"
        browse(tmp_path, source, look, f"--screenshot={shot}", "--window-size=1000,2400")
        shots.append(shot.read_bytes())
    assert all(each.startswith(b"\x89PNG") and len(each) > 40_000 for each in shots)
    assert shots[0] != shots[1]


ASK = """<!doctype html><iframe id="f" src="plan.html" style="width: WIDTHpx; height: 900px"></iframe>
<script>onload = () => {
  const page = document.getElementById("f").contentDocument, view = page.defaultView;
  const summary = page.querySelector("summary"), skip = page.querySelector(".skip");
  const outline = (one) => { one.focus(); return view.getComputedStyle(one).outlineStyle; };
  document.body.innerHTML = "<pre>" + JSON.stringify({
    wide: page.documentElement.scrollWidth,
    paper: view.getComputedStyle(page.body).backgroundColor,
    focus: [outline(skip), summary ? outline(summary) : "solid"],
    reached: page.querySelectorAll("summary, a[href]").length,
    landmarks: ["header", "main", "footer"].map((name) => page.querySelectorAll(name).length),
    headings: Array.from(page.querySelectorAll("h1, h2")).map((each) => each.tagName),
    told: page.querySelector("svg") ? page.querySelector("svg desc").textContent.length : 1,
  }) + "</pre>"; };</script>"""
"""A page around the page, which asks the browser how it looks: our own has no script to do so."""


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on PATH")
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1100])
@pytest.mark.parametrize("case", ["one", "everything", "hostile", "many"])
def test_a_browser_lays_the_page_out(case, width, dark, tmp_path):
    """Narrow and wide: no overflow, visible focus, landmarks."""
    made = {"one": CASES["create"], "many": make_section_plan(SectionKind.ROTATE, 200)}.get(case) or CASES[
        case
    ]
    (tmp_path / "plan.html").write_text(render_plan_html(build_view(made)), "utf-8")
    (tmp_path / "ask.html").write_text(ASK.replace("WIDTH", str(width)), "utf-8")
    look = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    done = browse(
        tmp_path, tmp_path / "ask.html", look, "--allow-file-access-from-files",
        "--virtual-time-budget=9000", "--window-size=1200,1000", "--dump-dom",
    )  # fmt: skip
    found = json.loads(unescape(re.search(r"<pre>(.*)</pre>", done.stdout, re.DOTALL)[1]))
    assert found["wide"] <= width
    assert found["paper"] == ("rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)")
    assert found["focus"] == ["solid", "solid"]
    assert found["reached"] > 1
    assert found["landmarks"] == [1, 1, 1]
    assert found["headings"][0] == "H1"
    assert set(found["headings"][1:]) == {"H2"}
    assert found["told"] > 0
