"""What may be repeated of what the service says: words of a closed vocabulary, nothing else.

An answer may echo the request, secrets included, in any field and under any encoding. So the text
of an error is never shown: of its code and details those words are kept that are listed here, and
names of fields that the request itself had.
"""

import re
from collections.abc import Iterator, Mapping

_SAFE_WORD_LIST = (
    "a able access account action active admin allow allowed allowlist already an and another api "
    "argument as authentication authorization authorized bad be been before begin blank blocked body by "
    "cannot category characters check code conflict connection connections connector constraint content "
    "contain contains could create created credential credentials data deleted denied detached disabled "
    "does duplicate duplicated email empty end enabled entity entry error exceed exceeded existing "
    "exists expected expired external fail failed failure feature field fields for forbidden format "
    "found from gone granted has have identifier in inactive insufficient integer internal invalid ip "
    "is it json key length limit limited list long longer malformed maximum method minimum missing must "
    "name no not null number object of on one only operation organization out parameter parameters "
    "params parse path permission permissions pipeline pipelines plan policy port present project quota "
    "range rate read reference referenced references request requests required reserved resource "
    "restore restored revoked role schedule schema scope server service short status still string sync "
    "syncs taken test tier timeout to too type unauthorized unavailable under unexpected unique unknown "
    "unprocessable unsupported update updated upstream url use used user using validation value version "
    "violation was while with workspace write wrong "
)
SAFE_WORDS = frozenset(_SAFE_WORD_LIST.split())

_MAX_TEXT_LENGTH = 80
_MAX_DETAILS = 5
_PLAIN_TEXT_PATTERN = re.compile(r"[A-Za-z]+(?:[_.-][A-Za-z]+)*", re.ASCII)
_WORD_SEPARATORS = re.compile(r"[\s_.,:;-]+")
_REQUEST_ID_PATTERN = re.compile(
    r"(?:req[_-])?(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8,40}|[0-9a-hjkmnp-tv-z]{26})",
    re.IGNORECASE | re.ASCII,
)


def filter_safe_text(text: object) -> str:
    """Return ``text`` if every word of it is in the vocabulary, else nothing."""
    if not isinstance(text, str) or not text or len(text) > _MAX_TEXT_LENGTH:
        return ""
    words = [word for word in _WORD_SEPARATORS.split(_to_snake_case(text)) if word]
    if not words or any(word not in SAFE_WORDS for word in words):
        return ""
    return text if _PLAIN_TEXT_PATTERN.fullmatch(text) else " ".join(words)


def filter_request_id(text: str, sent: bytes) -> str:
    """Return a request's id in a usual form (UUID, ULID, hex) that is no part of what was sent."""
    return text if _REQUEST_ID_PATTERN.fullmatch(text) and text.encode() not in sent else ""


def extract_error_text(tree: object, names: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """Return what may be repeated of an error's code and details (``field: issue``).

    ``names`` are the keys of the request's body: the only fields that may be named. Shapes:
    ``{error: {code, details: [{field, issue}]}}``, ``{error: "text"}``, ``{code, …}``.
    """
    if not isinstance(tree, Mapping):
        return "", ()
    error = tree.get("error", tree)
    if isinstance(error, str):
        return filter_safe_text(error), ()
    if not isinstance(error, Mapping):
        return "", ()
    code = filter_safe_text(error.get("code")) or filter_safe_text(error.get("type"))
    return code or filter_safe_text(error.get("message")), tuple(_extract_details(error.get("details"), names))[
        :_MAX_DETAILS
    ]


def _extract_details(details: object, names: frozenset[str]) -> Iterator[str]:
    for detail in details if isinstance(details, list) else ():
        if not isinstance(detail, Mapping):
            continue
        field, issue = detail.get("field"), filter_safe_text(detail.get("issue"))
        known = isinstance(field, str) and all(part in names for part in field.split("."))
        text = ": ".join(part for part in (field if known else "", issue) if isinstance(part, str) and part)
        if text:
            yield text


def _to_snake_case(text: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).lower()
