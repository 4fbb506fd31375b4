"""Recognizes secrets, tokens and random text in the plain fields of manifests."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from math import log2

from msgspec import Struct

from keyturn.model.fields import FieldPath, Leaf
from keyturn.policy.resource_view import ResourceView


class LazyPattern(Struct, frozen=True):
    """A regular expression that is compiled on first use: most runs use few of them."""

    text: str
    flags: int = 0

    def search(self, text: str) -> re.Match[str] | None:
        """Return the first match in ``text``."""
        return _compile_pattern(self.text, self.flags).search(text)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Return the match of the whole ``text``."""
        return _compile_pattern(self.text, self.flags).fullmatch(text)

    def findall(self, text: str) -> list[str]:
        """Return the text of every match."""
        return [found[0] for found in _compile_pattern(self.text, self.flags).finditer(text)]


MIN_SECRET_LENGTH = 16
"""The minimum length of text that is checked for secrets."""

HOST_FIELDS = frozenset({"host", "hostname", "server", "serverhost"})
"""The normalized names of fields with the host of a server."""

AI_TYPES = frozenset({"openai", "azureopenai", "anthropic", "googleai", "gemini", "vertexai", "airest"})
"""The normalized types of connections to AI providers."""

_KNOWN_TOKEN = LazyPattern(
    r"""(?<![A-Za-z0-9])(?:
      plnx_(?:live|test|rt|enroll)_[\w-]{8,} | (?:plx_(?:live|test)_|flx_)[\w-]{8,}       # Planasonix
    | whsec_[\w+/=-]{16,}                                                               # webhook signing
    | A(?:KIA|SIA)[A-Z0-9]{16}(?![A-Z0-9])                                              # AWS
    | gh[opusr]_[A-Za-z0-9]{36,} | github_pat_\w{22,} | glpat-[\w-]{20,}                # GitHub, GitLab
    | xox[abeprs]-[\w-]{10,} | xapp-\d-[\w-]{20,}                                       # Slack
    | [sr]k_(?:live|test)_\w{16,}                                                       # Stripe
    | sk-(?:ant-|proj-|svcacct-)?[\w-]{20,}                                             # OpenAI, Anthropic
    | AIza[\w-]{35} | ya29\.[\w-]{20,} | GOCSPX-[\w-]{20,} | 1//0[\w-]{30,}             # Google
    | dapi[0-9a-f]{32} | pat-(?:na|eu|ap)\d-[0-9a-f-]{30,}                              # Databricks, HubSpot
    | SG\.[\w-]{16,}\.[\w-]{16,} | shp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}                   # SendGrid, Shopify
    | npm_[A-Za-z0-9]{36} | pypi-[\w-]{50,} | hf_[A-Za-z0-9]{30,}                       # registries
    | hv[sb]\.[\w-]{20,} | dop_v1_[0-9a-f]{64} | ATATT3[\w=-]{50,}                      # Vault, others
    | AGE-SECRET-KEY-(?:PQ-)?1[A-Z0-9]{50,}                                             # age
    | [0-9a-f]{32}-us\d{1,2}(?!\d)                                                      # Mailchimp
    | [A-Za-z0-9_~.]{3}\dQ~[\w~.-]{31,34}                                               # Entra ID
    | hooks\.slack\.com/services/T\w+/B\w+/\w{20,}
    )""",
    re.VERBOSE,
)
_JWT = LazyPattern(r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}")
_CANDIDATE = LazyPattern(r"[A-Za-z0-9+/_=~-]{24,}")
_UUID = LazyPattern(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX = LazyPattern(r"[0-9a-fA-F]{40,}")
_URL_PASSWORD = LazyPattern(
    r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,20}://[^/\s:@?#]{0,256}:[^/\s@?#]{1,256}@", re.IGNORECASE
)
_PAIR_PASSWORD = LazyPattern(
    r"(?:^|[;&?,\s])(?:password|passwd|pwd|accountkey|sharedaccesskey|secret|api_?key|access_?token|sig)"
    r"\s*=\s*[\"']?(?![\"'$<{*])[^;&\s\"']{3,}",
    re.IGNORECASE,
)
_PUBLIC_KEY_PREFIXES = ("AAAAB3NzaC1", "AAAAC3NzaC1", "AAAAE2VjZHNh", "AAAAGnNrLXNz", "AAAAInNrLWVj")
_MIN_ENTROPY = 0.8
_MIN_CLASS_CHANGES = 0.3
_SAFE_NAME = LazyPattern(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
_SWITCH_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def has_known_prefix(text: str) -> bool:
    """Tell whether ``text`` contains a token with the prefix of a vendor."""
    return _KNOWN_TOKEN.search(text) is not None


def has_web_token(text: str) -> bool:
    """Tell whether ``text`` contains a JSON web token (RFC 7519, compact form)."""
    return "eyJ" in text and _JWT.search(text) is not None


def has_private_key(text: str) -> bool:
    """Tell whether ``text`` contains a private key in PEM (RFC 7468) or PuTTY format."""
    return ("-----BEGIN " in text and "PRIVATE KEY" in text) or text.startswith("PuTTY-User-Key-File-")


def has_embedded_password(text: str) -> bool:
    """Tell whether ``text`` is a URL or connection string with a password."""
    if "://" in text and "@" in text and _URL_PASSWORD.search(text):
        return True
    return "=" in text and _PAIR_PASSWORD.search(text) is not None


def looks_random(text: str) -> bool:
    """Tell whether ``text`` contains a run of 24 or more characters that looks random.

    A heuristic: the Shannon entropy relative to its maximum for the length, and the share of
    neighbours of different classes. The class changes at each word in CamelCase, and nearly
    everywhere in random text. Separators such as dashes do not count as a change.
    """
    if "-----BEGIN " in text:
        return False
    return any(_is_random_run(run) for run in _CANDIDATE.findall(text))


def walk_texts(resource: ResourceView) -> Iterator[tuple[FieldPath, str]]:
    """Yield every text in plain fields and labels with its path; list items have their index as key."""
    for path, leaf in resource.config.items():
        if isinstance(leaf, str):
            yield path, leaf
        elif isinstance(leaf, list | dict):
            yield from _walk_nested_texts(path, leaf)
    for label, text in resource.labels.items():
        yield ("labels", label), text


def format_field_name(path: FieldPath) -> str:
    """Return the name of the field at ``path`` for a message; ``the field`` if the name may be a secret."""
    name = next((key for key in reversed(path) if not key.isdigit()), "")
    return (
        name
        if _SAFE_NAME.fullmatch(name) and not looks_random(name) and not has_known_prefix(name)
        else "the field"
    )


def parse_switch(leaf: Leaf) -> bool | None:
    """Return the boolean that ``leaf`` stands for (true, yes, on, false, no, off); None for other values."""
    if isinstance(leaf, bool):
        return leaf
    if isinstance(leaf, str):
        return _SWITCH_WORDS.get(leaf.lower())
    return None


def _is_random_run(run: str) -> bool:
    if _UUID.fullmatch(run) or run.startswith(_PUBLIC_KEY_PREFIXES):
        return False
    if _HEX.fullmatch(run):
        return True
    if run.islower() or run.isupper():
        return False
    classes = "".join(map(_character_class, run))
    if not all(kind in classes for kind in "aA0"):
        return False
    changes = sum(one != other and "-" not in (one, other) for one, other in pairwise(classes)) / len(run)
    counts = Counter(run).values()
    entropy = -sum(count / len(run) * log2(count / len(run)) for count in counts)
    return changes >= _MIN_CLASS_CHANGES and entropy >= _MIN_ENTROPY * min(log2(len(run)), 6)


def _character_class(letter: str) -> str:
    if letter.isdigit():
        return "0"
    if letter.isupper():
        return "A"
    return "a" if letter.islower() else "-"


def _walk_nested_texts(path: FieldPath, branch: object) -> Iterator[tuple[FieldPath, str]]:
    if isinstance(branch, str):
        yield path, branch
    elif isinstance(branch, list):
        for number, item in enumerate(branch):
            yield from _walk_nested_texts((*path, str(number)), item)
    elif isinstance(branch, dict):
        for key, item in branch.items():
            yield from _walk_nested_texts((*path, key), item)


@cache
def _compile_pattern(text: str, flags: int) -> re.Pattern[str]:
    return re.compile(text, flags)
