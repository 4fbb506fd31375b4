"""The frame of every HTML page: one style sheet, and a content security policy without other sources."""

import base64
import hashlib
from typing import Final

STYLE_SHEET: Final = """
:root { color-scheme: light dark;
  --ink: #1b1f24; --paper: #ffffff; --line: #d0d7de; --soft: #f6f8fa; --quiet: #57606a;
  --danger: #b3261e; --care: #8a5300; --gain: #116329; --change: #0a5c9e; }
@media (prefers-color-scheme: dark) { :root {
  --ink: #e6edf3; --paper: #0d1117; --line: #3d444d; --soft: #161b22; --quiet: #9198a1;
  --danger: #ff8f87; --care: #e3b341; --gain: #56d364; --change: #79c0ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
code, .mono { font-family: ui-monospace, monospace; font-size: 0.9em; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 0.25rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 0.5rem; }
.counts { display: flex; flex-wrap: wrap; gap: 0.5rem; list-style: none; margin: 1rem 0; padding: 0; }
.counts li, details, .entry, .diagram { border: 1px solid var(--line); border-radius: 0.5rem; }
.counts li { padding: 0.25rem 0.75rem; background: var(--soft); }
.counts b { font-variant-numeric: tabular-nums; }
.repeated { list-style: none; padding: 0; overflow-wrap: anywhere; }
.none { color: var(--quiet); }
.danger { color: var(--danger); } .care { color: var(--care); } .gain { color: var(--gain); }
.change { color: var(--change); } .quiet { color: var(--quiet); }
.banner { border: 2px solid; border-radius: 0.5rem; padding: 0.5rem 0.75rem; font-weight: 600; }
details, .entry { margin: 0.4rem 0; padding: 0.4rem 0.75rem; overflow-wrap: anywhere; }
summary { cursor: pointer; }
summary:focus-visible, a:focus-visible { outline: 3px solid var(--change); outline-offset: 2px; }
.symbol { display: inline-block; min-width: 1.25rem; font: 700 1rem ui-monospace, monospace; }
.place { color: var(--quiet); }
table { border-collapse: collapse; margin: 0.5rem 0; width: 100%; font-size: 0.9rem; }
th, td { border-top: 1px solid var(--line); padding: 0.3rem 0.75rem 0.3rem 0;
  text-align: left; vertical-align: top; }
thead th { border-top: 0; color: var(--quiet); font-weight: 600; }
tbody th { font-weight: 500; width: 14rem; }
td b { overflow-wrap: normal; }
@media (max-width: 40rem) { body { padding: 1rem 0.75rem; } tbody th { width: 8rem; } }
.diagram { background: var(--soft); width: 100%; height: auto; }
.diagram text { fill: var(--ink); font: 13px ui-monospace, monospace; }
.diagram .column { fill: var(--quiet); font: 600 13px system-ui, sans-serif; }
.diagram .mark { fill: currentColor; font-weight: 700; }
.diagram rect { fill: var(--paper); stroke: currentColor; stroke-width: 3; }
.diagram .unchanged rect { stroke: var(--line); stroke-width: 1.5; }
.diagram .quiet rect { stroke-width: 1.5; stroke-dasharray: 4 3; }
.diagram path { fill: none; stroke: var(--quiet); stroke-width: 1.5; }
.skip { position: absolute; left: -999rem; } .skip:focus { position: static; }
footer { border-top: 1px solid var(--line); margin-top: 2rem; padding-top: 1rem; }
@media print { body { max-width: none; } details { break-inside: avoid; } }
"""
"""The styles for light and dark screens, print and keyboard; text has a contrast of 4.5:1 (WCAG 1.4.3)."""


def render_html_page(title: str, body: str, script: str = "") -> str:
    """Return an HTML page that loads nothing; ``title`` and ``body`` must be escaped HTML.

    ``script`` is the only script that the page may run; the policy allows it by its digest.
    """
    allowed = f"script-src '{_compute_csp_digest(script)}'; " if script else ""
    styles = f"style-src '{_compute_csp_digest(STYLE_SHEET)}'"
    policy = f"default-src 'none'; {allowed}{styles}; base-uri 'none'; form-action 'none'"
    end = f"<script>{script}</script>\n" if script else ""
    return (
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{STYLE_SHEET}</style>\n</head>\n<body>\n{body}\n{end}</body>\n</html>\n"
    )


def class_for_count(number: int) -> str:
    """Return the class attribute of a count: 0 is muted."""
    return "" if number else ' class="none"'


def _compute_csp_digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
