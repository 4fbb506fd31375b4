"""Cases of the differential tests: random files encrypted by sops, and their mutations."""

import random
import re
from collections.abc import Callable
from typing import Any

from fuzz.styling import Styler
from keyturn.model.diagnostic import DiagnosticError
from keyturn.yamldoc.reader import parse_document
from keyturn.yamldoc.scalars import emit_flow

WORDS = (
    "0123", "007", "0o17", "1_000", "1e5", "0x1F", ".5", "+1", "1.50", "12:30", "2024-01-02", "no", "on",
    "y", "~", "null",
    "true", "=", "<<", "-", "- a", "a: b", "a #b", "#x", "&a", "*a", "!t", "%d", "@h", "`q", "{a}", "[a]",
    "'", '"', "\\",
    "x", "", " lead", "trail ", "two  blanks", "line one\nline two\n", "\n", "a\n\nb", "tab\there",
    "ünïcödé", "日本語", "😀",
    "\u200b", "ENC[no]", "ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]",
    "-----BEGIN X-----\nabc+/=\n-----END X-----\n",
    "https://example.com/a?b=c#d", "p@ss: w0rd", "a" * 300, "word " * 60, "\x01", "\x7f", "\x85", "\u2028",
    "\ufeff", "None", *("plain", "two words", "a-b_c.d", "x:y", "a,b", "1.2.3.4", "v1", "€uro", "UPPER",
    "50%", "a=b", "tail-", "q?", "it's") * 4,
    '{"a": 1}', "?", "? a", "---", "...", "--- a", "|", ">", "|-", ",", "a,b", "a]b", "0.1", "1.0", "-0",
    "-0.0", "1e+21",
)  # fmt: skip
KEYS = (
    "a",
    "b",
    "host",
    "port",
    "user_secret",
    "note_plain",
    "x",
    "a:b",
    "key with blank",
    "日本",
    "n1",
    "0",
    "on",
    "a.b",
    "sops",
    "secrets",
    "A",
    "k" * 70,
)
INSERTS = ":#-?{}[],&*!|>'\"%@`\\\t\n\r ~=<0aA\u2028é\ufeff\x00"
LINES = (
    "- a",
    "a: b",
    "a: null",
    "b: ''",
    "c: {}",
    "d: []",
    "# c",
    "#ENC[x]",
    "---",
    "...",
    "? a",
    "a: &x 1",
    "e: *x",
    "<<: {q: 1}",
    "\ta: 1",
    "f: !!str 1",
    "- ",
    "a:",
    "'g': 1",
)
SELECTORS = (
    *[("--encrypted-regex", "^secrets$")] * 12,
    ("--encrypted-regex", "^(a|host|secrets)$"), ("--unencrypted-regex", "^(b|x)$"), ("--encrypted-suffix",
    "_secret"),
    ("--unencrypted-suffix", "_plain"), ("--encrypted-regex", "sec"), (),
)  # fmt: skip
_ENC = re.compile(r"ENC\[AES256_GCM,data:[^,\n]*,iv:[^,\n]*,tag:[^,\n]*,type:[a-z0-9]+\]")
_PLAIN = re.compile(r"^( *)([A-Za-z_]+): ([^\n]*)$", re.MULTILINE)


class Cases:
    """Makes random trees and mutates files."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def plain(self) -> tuple[str, tuple[str, ...]]:
        """Return a YAML file to encrypt and the selector for sops."""
        selector = self._dice.choice(SELECTORS)
        return emit_flow(self._tree()) + "\n", selector

    def mutated(self, data: bytes) -> bytes:
        """Return an encrypted file with one to three mutations."""
        dice = self._dice
        for _ in range(dice.choice((1, 1, 1, 1, 1, 2, 3))):
            data = dice.choice(_MUTATIONS)(dice, data)
        return data

    def _tree(self) -> dict[str, Any]:
        dice = self._dice
        if dice.random() < 0.15:
            return {
                key: self._any(2)
                for key in dice.sample([key for key in KEYS if key != "sops"], dice.randrange(1, 6))
            }
        return {
            "kind": "credential",
            "name": dice.choice(("prod-x", "a", "0123")),
            "labels": {"owner": self._text()},
            "config": {key: self._any(1) for key in dice.sample(KEYS, dice.randrange(0, 5))},
            "secrets": {key: self._secret() for key in dice.sample(KEYS, dice.randrange(1, 4))},
            "rotation": {"max_age": "90d"},
        }

    def _secret(self) -> Any:
        return self._any(1) if self._dice.random() < 0.01 else self._text()

    def _text(self) -> str:
        dice = self._dice
        if dice.random() < 0.85:
            return dice.choice(WORDS)
        return "".join(dice.choice(INSERTS + "abcdefghij0123456789") for _ in range(dice.randrange(1, 30)))

    def _any(self, depth: int) -> Any:
        dice = self._dice
        kind = dice.random()
        if depth and kind < 0.15:
            return {key: self._any(depth - 1) for key in dice.sample(KEYS, dice.randrange(0, 4))}
        if depth and kind < 0.25:
            return [self._any(depth - 1) for _ in range(dice.randrange(0, 4))]
        if kind < 0.5:
            return dice.choice(
                (
                    0,
                    1,
                    -1,
                    5432,
                    2**63 - 1,
                    -(2**63),
                    2**53 + 1,
                    True,
                    False,
                    None,
                    0.5,
                    -1.25,
                    1.0,
                    123456.789,
                    1e15,
                )
            )
        return self._text()


def _lines(change: Callable[[random.Random, list[str]], None]) -> Callable[[random.Random, bytes], bytes]:
    def mutate(dice: random.Random, data: bytes) -> bytes:
        lines = data.decode("utf-8", "surrogateescape").split("\n")
        change(dice, lines)
        return "\n".join(lines).encode("utf-8", "surrogateescape")

    return mutate


def _text(change: Callable[[random.Random, str], str]) -> Callable[[random.Random, bytes], bytes]:
    def mutate(dice: random.Random, data: bytes) -> bytes:
        return change(dice, data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    return mutate


def _restyle(dice: random.Random, data: bytes) -> bytes:
    try:
        tree = parse_document(data, "x").tree
    except DiagnosticError:
        return data
    return Styler(dice).document(tree).encode("utf-8", "surrogateescape")


def _restyle_plain(dice: random.Random, data: bytes) -> bytes:
    try:
        tree = dict(parse_document(data, "x").tree)
    except DiagnosticError:
        return data
    rest = tree.pop("sops", {})
    tail = data.decode("utf-8", "replace")
    at = tail.find("\nsops:")
    if not rest or at < 0:
        return data
    return (Styler(dice).document(tree).removesuffix("...\n") + tail[at + 1 :]).encode(
        "utf-8", "surrogateescape"
    )


def _flip(dice: random.Random, data: bytes) -> bytes:
    at = dice.randrange(len(data) or 1)
    return data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :] if data else data


def _insert(dice: random.Random, text: str) -> str:
    at = dice.randrange(len(text) + 1)
    return text[:at] + dice.choice(INSERTS) + text[at:]


def _delete(dice: random.Random, text: str) -> str:
    at = dice.randrange(len(text) or 1)
    return text[:at] + text[at + dice.randrange(1, 4) :]


def _add_line(dice: random.Random, lines: list[str]) -> None:
    lines.insert(dice.randrange(len(lines)), " " * dice.choice((0, 2, 4, 8)) + dice.choice(LINES))


def _drop_line(dice: random.Random, lines: list[str]) -> None:
    del lines[dice.randrange(len(lines))]


def _swap_lines(dice: random.Random, lines: list[str]) -> None:
    one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def _twice(dice: random.Random, lines: list[str]) -> None:
    at = dice.randrange(len(lines))
    lines.insert(at, lines[at])


def _indent(dice: random.Random, lines: list[str]) -> None:
    at = dice.randrange(len(lines))
    lines[at] = (
        dice.choice((" ", "  ", "\t")) + lines[at] if dice.random() < 0.5 else lines[at].removeprefix(" ")
    )


def _cipher(dice: random.Random, text: str) -> str:
    found = list(_ENC.finditer(text))
    if not found:
        return text
    one, other = dice.choice(found), dice.choice(found)
    old = one.group()
    new = dice.choice(
        (
            other.group,
            lambda: re.sub(
                r"type:\w+",
                "type:" + dice.choice(("int", "float", "bool", "bytes", "time", "comment", "str", "x")),
                old,
            ),
            lambda: old + dice.choice(("x", " ", "]", " # c", ",")),
            lambda: dice.choice(('""', "null", "plain", "''", "0", "~", "[]", "{}", "")),
            lambda: f'"{old}"',
            lambda: f"'{old}'",
            lambda: old.replace("=", "", 1),
            lambda: old[: dice.randrange(len(old))] + old[dice.randrange(len(old)) :],
            lambda: old.replace(",iv:", ", iv:"),
            lambda: f"[{old}]",
            lambda: f"|-\n            {old}",
            lambda: _tail_bits(old),
        )
    )()
    return text[: one.start()] + new + text[one.end() :]


def _tail_bits(old: str) -> str:
    at = old.find("=,")
    return old[: at - 1] + chr(ord(old[at - 1]) + 1) + old[at:] if at > 0 else old


def _metadata(dice: random.Random, text: str) -> str:
    pattern, new = dice.choice(
        (
            (r"version: .*", "version: " + dice.choice(("3.11.0", "3.9", "2.0.0", '"3.11.0"', "3.11.0-rc.1",
            "three", "3.11.0.1", "v3.11.0", "03.11.0", ""))),
            (r"lastmodified: .*", lambda found: _other_time(dice, found.group())),
            (r"    encrypted_regex: .*", "    " + dice.choice(("encrypted_regex: secrets",
            "encrypted_regex: ^(secrets)$", "encrypted_regex: (?i)^secrets$", "encrypted_regex: ''",
            "encrypted_regex: ^secrets$\n    encrypted_suffix: x", "unencrypted_suffix: _unencrypted",
            "encrypted_regex: '^secrets$'", "mac_only_encrypted: true", ""))),
            (r"    lastmodified", "    " + dice.choice(("kms: []", "pgp: null", "pgp: []",
            "gcp_kms: []\n    azure_kv: []\n    hc_vault: []", "unknown: 1", "shamir_threshold: 0",
            "shamir_threshold: 1", "key_groups: []", "mac_only_encrypted: false",
            "mac_only_encrypted: true", "hckms: []", "kms: {}", "pgp: ''", "unencrypted_suffix: ''",
            "comment: x", "shamir_threshold: x")) + "\n    lastmodified"),
            (r"        - recipient: (.*)",
            lambda found: "        - recipient: " + dice.choice((found[1].upper(), found[1][:-1],
            f'"{found[1]}"', "x", "age1" + "q" * 58, found[1] + " # mine", ""))),
            (r"          enc: \|", "          enc: " + dice.choice(("|-", "|+", ">", "|2", "| # c", "'x'"))),
            (r"-----END AGE ENCRYPTED FILE-----", lambda found: found.group() + dice.choice((" ", "\n",
            "\n\n", "x", "\n            x"))),
            (r"-----BEGIN AGE ENCRYPTED FILE-----", lambda found: dice.choice((" ", "x",
            "\n")) + found.group()),
            (r"    mac: (.*)", lambda found: "    mac: " + dice.choice(('""', "null", f'"{found[1]}"',
            found[1] + "x", found[1].replace("type:str", "type:bytes"), found[1].replace("type:str",
            "type:comment")))),
            (r"^sops:$", dice.choice(('"sops":', "sops: # here", "sops: &s", "Sops:", "sops :",
            "? sops\n:"))),
        )
    )  # fmt: skip
    return re.sub(pattern, new, text, count=1, flags=re.MULTILINE)


def _other_time(dice: random.Random, text: str) -> str:
    found = re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text)
    if found is None:
        return text
    time = found.group()
    forms = (
        f'"{time}+00:00"',
        f"{time}Z",
        f'"{time}.0Z"',
        f'"{time}.000000Z"',
        f'"{time[:10]}"',
        f'"{time.lower()}z"',
        f'" {time}Z"',
        f'"{time[:-2]}60Z"',
        f'"{time[:11]}24:00:00Z"',
        f"'{time}Z'",
        f'"{time[:-1]}Z"',
        f'"{time}-00:00"',
    )
    return f"lastmodified: {dice.choice(forms)}"


def _plain_value(dice: random.Random, text: str) -> str:
    body, mark, rest = text.partition("\nsops:")
    found = [each for each in _PLAIN.finditer(body) if "ENC[" not in each[3]]
    if not found:
        return text
    at = dice.randrange(len(found))
    one = found[at]
    value = one[3]
    new = dice.choice(
        (
            f'"{value}"', f"'{value}'", value + " ", value + " # c", f"  {value}", f"&a {value}",
            f"!!str {value}", f"!x {value}",
            value[:-1], value + dice.choice("0a. "), dice.choice(WORDS).replace("\n", " "),
            f"{value}\n{one[1]}added: null",
            f"{value}\n{one[1]}added: ''", f"{value}\n{one[1]}added: {{}}", f"{value}\n{one[1]}added: []",
            f"+{value}", f"0{value}", f"{value}.0", f"{value}_",
        )
    )  # fmt: skip
    if at + 1 < len(found) and dice.random() < 0.2:
        return _shifted(dice, body, one, found[at + 1]) + mark + rest
    name = dice.choice((one[2], one[2], one[2], one[2], one[2] + "x", dice.choice(KEYS)))
    return body[: one.start()] + f"{one[1]}{name}: {new}" + body[one.end() :] + mark + rest


def _shifted(dice: random.Random, body: str, one: "re.Match[str]", other: "re.Match[str]") -> str:
    both = one[3].strip("'\"") + other[3].strip("'\"")
    at = dice.randrange(len(both) + 1)
    quote = dice.choice(('"', ""))
    first, second = (f"{quote}{part}{quote}" for part in (both[:at], both[at:]))
    middle = body[one.end() : other.start()]
    return (
        body[: one.start()]
        + f"{one[1]}{one[2]}: {first}"
        + middle
        + f"{other[1]}{other[2]}: {second}"
        + body[other.end() :]
    )


def _whole(dice: random.Random, text: str) -> str:
    return dice.choice(
        (
            lambda: text.replace("\n", "\r\n"),
            lambda: text.replace("\n", "\r"),
            lambda: "\ufeff" + text,
            lambda: "---\n" + text,
            lambda: text + "...\n",
            lambda: text + "---\na: null\n",
            lambda: text + "---\n",
            lambda: text.rstrip("\n"),
            lambda: text.replace("    ", "  "),
            lambda: text.replace(": ", ":\t"),
            lambda: text.replace("\n", " \n"),
            lambda: text.replace("\n", "\n\n", 3),
            lambda: re.sub(r"^(\w+:)", r"# c\n\1", text, flags=re.MULTILINE),
            lambda: "\n".join(" " + line if line else line for line in text.split("\n")),
        )
    )()


_MUTATIONS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _restyle, *[_restyle_plain] * 8, *[_text(_plain_value)] * 5, *[_text(_whole)] * 3,
    *[_text(_metadata)] * 3,
    *[_text(_cipher)] * 2, _flip, _text(_insert), _text(_delete), _lines(_add_line), _lines(_drop_line),
    _lines(_swap_lines), _lines(_twice), _lines(_indent),
)  # fmt: skip
