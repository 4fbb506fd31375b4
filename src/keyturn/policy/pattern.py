"""Pattern: a regular expression that is compiled when it is first used; most runs use few of them."""

import re
from functools import cache

from msgspec import Struct


class LazyPattern(Struct, frozen=True):
    """A regular expression as written, with its flags."""

    text: str
    flags: int = 0

    def search(self, text: str) -> re.Match[str] | None:
        """Return the first place in ``text`` that fits."""
        return _compile_pattern(self.text, self.flags).search(text)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Return the match when all of ``text`` fits."""
        return _compile_pattern(self.text, self.flags).fullmatch(text)

    def findall(self, text: str) -> list[str]:
        """Return every text that fits."""
        return [found[0] for found in _compile_pattern(self.text, self.flags).finditer(text)]


@cache
def _compile_pattern(text: str, flags: int) -> re.Pattern[str]:
    return re.compile(text, flags)
