"""Text of the service or of a target behind it, rebuilt from words that are safe to show.

Rule: such text is never filtered for secrets. Words of ``vocabulary.txt`` and plain values of manifests
are shown, each once; everything else becomes ``…``, under whatever encoding a secret may be in it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from keyturn.model.address import Address
from keyturn.model.fields import Fields
from keyturn.model.secret_detection import may_be_secret

MAX_WORDS: Final = 40
MAX_TEXT_LENGTH: Final = 8000
"""Characters of a text that are read."""

DROPPED: Final = "…"

KnownValues = Mapping[str, str]
"""Plain values that may be shown, by their case-folded form."""

NO_VALUES: Final[KnownValues] = MappingProxyType({})

_VALUE_LENGTHS: Final = range(3, 254)
_CHUNK: Final = re.compile(r"""[^\s"'`()\[\]{}<>=,;]+(?:'t\b)?""")
_PART: Final = re.compile(r"[^:/\\@|&%#*+~$^!?]+")
_SKIPPED_PARTS: Final = frozenset({"", "a"})
_EDGES: Final = ".:!?/@_-…"
_LETTERS: Final = re.compile(r"[A-Za-z0-9]+(?:[._'-][A-Za-z0-9]+)*", re.ASCII)
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_COMPOUND: Final = re.compile(r"[a-z]+(?:[ ._-][a-z]+)+", re.ASCII)
_DIGIT: Final = re.compile(r"\d")
_VERSION: Final = re.compile(r"(?<![\w.])\d{1,2}(?:\.\d{1,2})?(?![\w.])", re.ASCII)


def rebuild_text(text: object, known_values: KnownValues = NO_VALUES) -> str:
    """Return the words of ``text`` that are safe to show, at most 40, with ``…`` for each run of others.

    Returns an empty text for a value that is not text, and if no word is left.
    """
    if not isinstance(text, str):
        return ""
    rebuilt = _RebuiltText(known_values)
    for chunk in _CHUNK.findall(text[:MAX_TEXT_LENGTH]):
        rebuilt.add_chunk(chunk)
    return rebuilt.join_words()


def rebuild_version(text: object) -> str:
    """Return the product and the version of a server, for example ``PostgreSQL 16.4``."""
    if not isinstance(text, str):
        return ""
    version = _VERSION.search(text[:MAX_TEXT_LENGTH])
    product = rebuild_text(text[: version.start()] if version else text)
    return " ".join(part for part in (product, version[0] if version else "") if part)


def collect_known_values(resources: Iterable[tuple[Address, Fields]]) -> KnownValues:
    """Return the names and the plain values of resources, without values that may be secrets."""
    return {
        text.casefold(): text
        for address, fields in resources
        for text in (address.name, *_list_plain_texts(fields))
        if len(text) in _VALUE_LENGTHS and text.isprintable()
    }


def _list_plain_texts(fields: Fields) -> Iterator[str]:
    for path, leaf in fields.items():
        if isinstance(leaf, str | int) and not isinstance(leaf, bool) and not may_be_secret(path[-1], leaf):
            yield str(leaf)


class _RebuiltText:
    def __init__(self, known_values: KnownValues) -> None:
        self._known_values = known_values
        self._words: list[str] = []
        self._marks: set[str] = set()

    def add_chunk(self, chunk: str) -> None:
        whole = chunk.strip(_EDGES)
        if whole.casefold() in self._known_values:
            self._add_part(whole)
        else:
            for part in _PART.findall(chunk):
                self._add_part(part.strip(_EDGES))
        if chunk.endswith(":") and self._words and self._words[-1] != DROPPED:
            self._words[-1] = f"{self._words[-1].removesuffix(':')}:"

    def _add_part(self, part: str) -> None:
        if part.lower() in _SKIPPED_PARTS:
            return
        word = self._find_word(part)
        marks = set(_list_marks(word))
        is_full = sum(each != DROPPED for each in self._words) == MAX_WORDS
        if word and not is_full and not marks & self._marks:
            self._marks |= marks
            self._words.append(word)
        elif not self._words or self._words[-1] != DROPPED:
            self._words.append(DROPPED)

    def _find_word(self, part: str) -> str:
        vocabulary = load_vocabulary()
        if known := self._known_values.get(part.casefold()) or vocabulary.get(part.casefold()):
            return known
        if not _LETTERS.fullmatch(part):
            return ""
        compound = _HUMP.sub(" ", part).lower()
        is_known = _COMPOUND.fullmatch(compound) and all(map(vocabulary.get, re.split(r"[ ._-]", compound)))
        return compound if is_known else ""

    def join_words(self) -> str:
        return " ".join(self._words) if any(word != DROPPED for word in self._words) else ""


def _list_marks(word: str) -> Iterator[str]:
    # What a text may have once: each word of a compound, and each shape of a code.
    if _DIGIT.search(word) and word.casefold() in load_vocabulary():
        yield _DIGIT.sub("0", word)
    elif _COMPOUND.fullmatch(word):
        yield from re.split(r"[ ._-]", word)
    else:
        yield word.casefold()


@cache
def load_vocabulary() -> Mapping[str, str]:
    """Return the words of ``vocabulary.txt`` as they are shown, by case-folded form."""
    lines = Path(__file__).with_name("vocabulary.txt").read_text(encoding="utf-8").splitlines()
    words = (word for line in lines if not line.startswith("#") for word in line.split())
    return MappingProxyType({word.casefold(): word for word in words})
