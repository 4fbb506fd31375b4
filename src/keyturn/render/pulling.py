"""A pull told: what was written where, and what was left and why."""

from collections.abc import Iterator

from keyturn.core.fields import dotted
from keyturn.core.pulled import Pulled
from keyturn.render.cells import fold
from keyturn.render.parts import Tone
from keyturn.render.safe import line
from keyturn.render.style import PLAIN, Style, paint, strong
from keyturn.render.values import pair


def pulled_text(pulled: tuple[Pulled, ...], style: Style = PLAIN) -> str:
    """Return each field that was written or left, and a last line that counts and can be parsed.

    It reads ``Pull: 3 fields of 2 files written, 1 left.`` or ``Pull: no drift.``
    """
    lines = [text for each in pulled for text in _lines(each, style)]
    return "\n".join([*lines, *([""] if lines else []), strong(total(pulled), style)]) + "\n"


def total(pulled: tuple[Pulled, ...]) -> str:
    """Return the last line."""
    if not pulled:
        return "Pull: no drift."
    written = sum(len(each.written) for each in pulled)
    files = sum(bool(each.written) for each in pulled)
    left = sum(len(each.left) for each in pulled)
    fields = f"{written} field{'' if written == 1 else 's'} of {files} file{'' if files == 1 else 's'}"
    return f"Pull: {fields} written, {left} left."


def _lines(each: Pulled, style: Style) -> Iterator[str]:
    yield paint(f"{line(str(each.address))}  {line(each.file)}", Tone.CHANGE, style)
    for field in each.written:
        before, after = pair(field.path, field.wanted, field.live)
        yield fold("  ~ ", f"{line(dotted(field.path))}  {line(before)} → {line(after)}", style.width)
    if each.sealed:
        yield fold("  ~ ", "the seal: its secrets are bound to the new destination", style.width)
    for left in each.left:
        text = fold("  ! ", f"{line(dotted(left.path))}  left: {line(left.why)}", style.width)
        yield paint(text, Tone.CARE, style)
        if left.consent:
            agree = f"--allow-destination-change {line(left.consent)}"
            yield paint(fold("      next  ", f"if it is meant: {agree}", style.width), Tone.QUIET, style)
