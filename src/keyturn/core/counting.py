"""Numbers of things in words: one way to say how many, so that nothing is ever "1 files"."""


def pluralize(number: int, noun: str, plural: str = "") -> str:
    """Return ``7 connections``, ``1 connection`` or ``0 connections``: for lines that programs read too.

    ``plural`` is for a noun that does not take an s; thousands are set apart by commas.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def pluralize_or_none(number: int | None, noun: str, plural: str = "") -> str:
    """Return the same for people: none is ``no connections``, None is ``connections: unknown``."""
    if number is None:
        return f"{plural or f'{noun}s'}: unknown"
    return pluralize(number, noun, plural) if number else f"no {plural or f'{noun}s'}"
