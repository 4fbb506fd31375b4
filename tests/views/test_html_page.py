"""The frame of every HTML page."""

import base64
import hashlib
import re

import pytest

from keyturn.views.html_page import STYLE_SHEET, render_html_page

COLOURS = re.findall(r"--(\w+): (#[0-9a-f]{6})", STYLE_SHEET)
LIGHT, DARK = dict(COLOURS[: len(COLOURS) // 2]), dict(COLOURS[len(COLOURS) // 2 :])


def luminance(colour):
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """Return the contrast ratio of WCAG 2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_policy_allows_only_the_style_sheet():
    """No script, image, font or form; the style sheet by its digest."""
    text = render_html_page("t", "b")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "<script" not in text


def test_nothing_is_fetched():
    """The style sheet has no URL and no import."""
    assert not re.search(r"url\(|@import|https?:", STYLE_SHEET)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "quiet", "danger", "care", "gain", "change"])
def test_text_has_enough_contrast(theme, ink):
    """At least 4.5:1 (WCAG 1.4.3), on the page and on boxes."""
    assert contrast(theme[ink], theme["paper"]) >= 4.5
    assert contrast(theme[ink], theme["soft"]) >= 4.5
