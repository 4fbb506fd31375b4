"""Writes a tree as YAML in random styles."""

import random
import re
from collections.abc import Mapping
from typing import Any

_CONTROL = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_COMMENTS = (" # note", " #", "  # a: b", " # ENC[x]", "")


class Styler:
    """Writes trees in random styles; a result may have other values or be invalid YAML."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def document(self, tree: Mapping[str, Any]) -> str:
        """Return a whole document."""
        dice = self._dice
        head = dice.choice(
            ["", "", "---\n", "--- # begin\n", "# head\n\n", "\n\n", "# a\n---\n", "#\n", "--- \n"] * 5
            + ["%YAML 1.1\n---\n"]
        )
        tail = dice.choice(["", "", "", "...\n", "# end\n", "\n", "   \n"])
        body = self._flow(tree, 0) + "\n" if dice.random() < 0.05 else self._mapping(tree, 0)
        text = head + body + tail
        if dice.random() < 0.1:
            text = text.replace("\n", "\r\n")
        return ("\ufeff" if dice.random() < 0.03 else "") + text

    def _mapping(self, tree: Mapping[str, Any], depth: int) -> str:
        dice = self._dice
        step = dice.choice((1, 2, 2, 4, 4, 3))
        lines = []
        for key, value in tree.items():
            if dice.random() < 0.04:
                lines.append(
                    " " * dice.randrange(0, depth + 3)
                    + dice.choice(("# apart", "", "#", "# a: b") * 9 + ("#ENC[no]",))
                    + "\n"
                )
            name = self._key(key)
            mark = dice.choice((":",) * 30 + (" :", "  :"))
            if dice.random() < 0.02:
                lines.append(f"{' ' * depth}? {name}\n{' ' * depth}:")
            else:
                lines.append(f"{' ' * depth}{name}{mark}")
            lines.append(self._value(value, depth, step))
        return "".join(lines)

    def _value(self, value: Any, depth: int, step: int) -> str:
        dice = self._dice
        if isinstance(value, dict | list) and value and dice.random() > 0.1:
            inner = depth + step
            if isinstance(value, dict):
                return self._comment() + "\n" + self._mapping(value, inner)
            return self._comment() + "\n" + self._sequence(value, dice.choice((depth, inner)))
        if isinstance(value, dict | list):
            return " " + self._flow(value, depth + step) + self._comment() + "\n"
        return " " * dice.choice((1, 1, 1, 3)) + self._scalar(value, depth + step)

    def _sequence(self, items: list[Any], depth: int) -> str:
        lines = []
        for item in items:
            if isinstance(item, dict) and item and self._dice.random() < 0.7:
                body = self._mapping(item, depth + 2)
                lines.append(" " * depth + "- " + body[depth + 2 :] if body[: depth + 2].isspace() else body)
            else:
                lines.append(" " * depth + "-" + self._value(item, depth, 2))
        return "".join(lines)

    def _flow(self, value: Any, depth: int) -> str:
        dice = self._dice
        gap = dice.choice((" ", " ", "", "\n" + " " * (depth + 1), " # c\n" + " " * (depth + 1)))
        comma = dice.choice((", ", ", ", ",", " , "))
        end = dice.choice(("", "", "", ","))
        if isinstance(value, dict):
            pairs = (
                f"{self._key(key)}{dice.choice((': ', ': ', ':'))}{self._flow(inner, depth)}"
                for key, inner in value.items()
            )
            return "{" + gap + comma.join(pairs) + (end if value else "") + "}"
        if isinstance(value, list):
            return (
                "["
                + gap
                + comma.join(self._flow(inner, depth) for inner in value)
                + (end if value else "")
                + "]"
            )
        if isinstance(value, str) and set(value) & set(",[]{}:#") and self._dice.random() < 0.9:
            return self._dice.choice((self._double, self._single))(value)
        return self._one_line(value)

    def _key(self, key: str) -> str:
        if not key.isascii() or not key.replace("_", "").isalpha() or key in ("on", "y", "n"):
            return self._dice.choice(
                (self._double(key), self._single(key), *[key] * (self._dice.random() < 0.1))
            )
        return self._dice.choice((key, key, key, self._double(key), self._single(key)))

    def _scalar(self, value: Any, depth: int) -> str:
        if isinstance(value, str) and self._dice.random() < 0.15:
            return self._block(value, depth)
        if isinstance(value, str) and " " in value and self._dice.random() < 0.3:
            return self._folded(value, depth) + self._comment() + "\n"
        return self._one_line(value) + self._comment() + "\n"

    def _one_line(self, value: Any) -> str:
        if not isinstance(value, str):
            return self._dice.choice(self._forms(value))
        chance = 0.6 if value.isalnum() or value.startswith("ENC[AES256") else 0.1
        if value and self._dice.random() < chance:
            return value.replace("\n", " ")
        return self._dice.choice((self._double, self._single))(value)

    def _forms(self, value: Any) -> tuple[str, ...]:
        if value is None:
            return (*["null"] * 20, "~", "", "Null")
        if isinstance(value, bool):
            return (str(value).lower(), str(value).lower(), str(value), str(value).upper())
        text = repr(value)
        return (*[text] * 60, "+" + text, text + "_", hex(value) if isinstance(value, int) else text + "0")

    def _double(self, text: str) -> str:
        body = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        body = _CONTROL.sub(lambda found: _escape(found.group()), body)
        if body and self._dice.random() < 0.1:
            at = self._dice.randrange(len(text))
            body = (
                body.replace(text[at], _escape(text[at])) if text[at].isalnum() and "\\" not in body else body
            )
        return f'"{body}"'

    def _single(self, text: str) -> str:
        return (
            self._double(text)
            if _CONTROL.search(text) or "\n" in text
            else "'" + text.replace("'", "''") + "'"
        )

    def _folded(self, text: str, depth: int) -> str:
        if _CONTROL.search(text) or set(text) & set("\"'\\"):
            return self._one_line(text)
        quote = self._dice.choice(('"', "'", ""))
        at = self._dice.choice([index for index, one in enumerate(text) if one == " "])
        broken = (
            text[:at]
            + self._dice.choice(("\n", "\n", "\n\n"))
            + " " * (depth + self._dice.randrange(3))
            + text[at + 1 :]
        )
        return f"{quote}{broken}{quote}"

    def _block(self, text: str, depth: int) -> str:
        dice = self._dice
        if _CONTROL.search(text):
            return self._one_line(text) + "\n"
        chomp = (
            ""
            if text.endswith("\n") and not text.endswith("\n\n")
            else "-"
            if not text.endswith("\n")
            else "+"
        )
        hint = str(depth) if dice.random() < 0.1 and 0 < depth < 10 else ""
        style = dice.choice("|||>")
        lines = text.removesuffix("\n").split("\n")
        body = "".join((" " * depth + line if line or dice.random() < 0.5 else "") + "\n" for line in lines)
        return f"{style}{hint}{dice.choice((chomp, chomp, chomp, '', '-', '+'))}{self._comment()}\n{body}"

    def _comment(self) -> str:
        return self._dice.choice(_COMMENTS) if self._dice.random() < 0.06 else ""


def _escape(one: str) -> str:
    return f"\\U{ord(one):08x}" if ord(one) > 255 else f"\\x{ord(one):02x}"
