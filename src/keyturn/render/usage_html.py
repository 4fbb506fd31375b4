"""The review as one HTML page: a picture, and a table that can be searched; nothing is loaded."""

from typing import Final

from keyturn.core.usage import Review
from keyturn.render.parts import Link
from keyturn.render.picture import picture
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
_WIDE: Final = frozenset({"credential", "connections", "file"})


def usage_html(review: Review) -> str:
    """Return the review as an HTML page whose policy lets in its own sheet and script, and nothing else."""
    title = f"Credentials of {safe(review.workspace)}"
    drawn = picture(_links(review), _marked(review))
    counts = "".join(
        f"<li{_faint(number)}><b>{number:,}</b> {safe(word)}</li>" for word, number in review.counts().items()
    )
    body = [
        f"<header><h1>{title}</h1>",
        f"<p>Organization <code>{safe(review.organization)}</code>, {review.today}.</p>",
        f'<ul class="counts">{counts}</ul>',
        *(f'<p class="banner care">{safe(note)}</p>' for note in review.notes),
        "</header>",
        "<main>",
        _SEARCH,
        _table(review),
        f"<section>\n<h2>What depends on what</h2>\n{drawn}\n</section>" if drawn else "",
        "</main>",
        f"<footer><p><b>{safe(total(review))}</b></p></footer>",
    ]
    return page(title, "\n".join(filter(None, body)), SCRIPT)


def _faint(number: int) -> str:
    return "" if number else ' class="none"'


def _table(review: Review) -> str:
    heads = "".join(f'<th scope="col">{head}</th>' for head in HEADS)
    rows = "\n".join(_row(row(review, each)) for each in review.usages)
    return f'<table id="review">\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>'


def _row(found: tuple[str, ...]) -> str:
    name, *rest = found
    inner = "".join(
        f'<td class="mono">{safe(text)}</td>' if head in _WIDE else f"<td>{safe(text)}</td>"
        for head, text in zip(HEADS[1:], rest, strict=True)
    )
    return f'<tr><th scope="row" class="mono">{safe(name)}</th>{inner}</tr>'


def _links(review: Review) -> tuple[Link, ...]:
    links = []
    for usage in review.usages:
        links += [Link(str(usage.address), f"connection/{each}") for each in usage.reach.connections]
    return tuple(links)


def _marked(review: Review) -> dict[str, str]:
    flagged = ((usage, review.flags(usage)) for usage in review.usages)
    return {
        str(usage.address): next(mark for mark in _MARKS if mark in flags)
        for usage, flags in flagged
        if not set(_MARKS).isdisjoint(flags)
    }
