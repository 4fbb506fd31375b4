"""The review as one HTML page: a picture, and a table that can be searched; nothing is loaded."""

import re
from typing import Final

from keyturn.core.counting import numbered
from keyturn.core.usage import Review
from keyturn.render.parts import Link
from keyturn.render.picture import DRAWN, picture
from keyturn.render.safe import html as safe
from keyturn.render.sheet import page
from keyturn.render.usage import HEADS, row, total

SCRIPT: Final = """
"use strict";
const box = document.getElementById("search");
const rows = Array.from(document.querySelectorAll("#review tbody tr"));
const found = document.getElementById("found");
box.closest("p").hidden = false;
const narrow = () => {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  found.textContent = `${shown} of ${rows.length}`;
};
box.addEventListener("input", narrow);
narrow();
"""
"""Hides the rows that lack one of the words; the page is whole without it."""

_SEARCH: Final = (
    '<p hidden><label>Search <input id="search" type="search" autocomplete="off"></label> '
    '<span id="found" role="status"></span></p>'
)
_MARKS: Final = ("overdue", "expiring", "unused")
_KEY: Final = re.compile(r"\bage1[0-9a-z]{50,}|\b[0-9A-F]{40}\b")
_BELOW: Final = ("type", "owner", "file")
_COLUMNS: Final = tuple(head for head in HEADS if head not in {"credential", *_BELOW})
_WIDE: Final = frozenset({"connections", "can decrypt"})


def usage_html(review: Review) -> str:
    """Return the review as an HTML page whose policy lets in its own sheet and script, and nothing else."""
    title = f"Credentials of {safe(review.workspace)}"
    drawn = picture(_links(review), _marked(review))
    counts = "".join(
        f"<li{_faint(number)}><b>{number:,}</b> {safe(word)}</li>" for word, number in review.counts().items()
    )
    figure = (
        f"<section>\n<h2>What depends on what</h2>\n{_limits(review)}{drawn}\n</section>" if drawn else ""
    )
    table = f"{_SEARCH}\n{_table(review)}"
    # Below a long table nobody would come upon the picture.
    parts = [figure, table] if len(review.usages) > DRAWN else [table, figure]
    body = [
        f"<header><h1>{title}</h1>",
        f"<p>Organization <code>{safe(review.organization)}</code>, {review.today}.</p>",
        f'<ul class="counts">{counts}</ul>',
        *(f'<p class="banner care">{safe(note)}</p>' for note in review.notes),
        "</header>",
        "<main>",
        *parts,
        "</main>",
        f"<footer><p><b>{safe(total(review))}</b></p></footer>",
    ]
    return page(title, "\n".join(filter(None, body)), SCRIPT)


def _faint(number: int) -> str:
    return "" if number else ' class="none"'


def _table(review: Review) -> str:
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("credential", *_COLUMNS))
    rows = "\n".join(_row(dict(zip(HEADS, row(review, each), strict=True))) for each in review.usages)
    return f'<table id="review">\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>'


def _row(found: dict[str, str]) -> str:
    below = "".join(f'<br><span class="place">{safe(found[head])}</span>' for head in _BELOW)
    name = f'<th scope="row"><code>{safe(found["credential"])}</code>{below}</th>'
    cells = "".join(
        f'<td class="mono">{safe(_short(found[head]))}</td>'
        if head in _WIDE
        else f"<td>{safe(found[head])}</td>"
        for head in _COLUMNS
    )
    return f"<tr>{name}{cells}</tr>"


def _short(text: str) -> str:
    # A key's beginning and end tell it from any other; the whole of it is in the JSON.
    return _KEY.sub(lambda found: f"{found[0][:10]}…{found[0][-6:]}", text)


def _links(review: Review) -> tuple[Link, ...]:
    pairs = dict.fromkeys(
        pair
        for usage in review.usages
        for pair in (
            *((str(usage.address), f"connection/{each}") for each in usage.reach.connections),
            *usage.reach.links,
        )
    )
    return tuple(Link(source, target) for source, target in pairs)


def _limits(review: Review) -> str:
    said = []
    if len(review.usages) > DRAWN:
        whole = numbered(len(review.usages), "credential")
        said.append(
            f"There is room for {DRAWN} of {whole}, those that are overdue, expiring or unused first, "
            "and for what hangs on them. The table has all of them."
        )
    hidden = {
        word: sum(getattr(usage.reach, word) is None for usage in review.usages)
        for word in ("pipelines", "syncs", "schedules")
    }
    unknown = [word for word, number in hidden.items() if number]
    if unknown:
        said.append(f"Not known, and so not drawn: {', '.join(unknown)}.")
    return "".join(f'<p class="limits">{safe(each)}</p>\n' for each in said)


def _marked(review: Review) -> dict[str, str]:
    flagged = ((usage, review.flags(usage)) for usage in review.usages)
    return {
        str(usage.address): next(mark for mark in _MARKS if mark in flags)
        for usage, flags in flagged
        if not set(_MARKS).isdisjoint(flags)
    }
