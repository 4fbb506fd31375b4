"""YAML with lines: one document, no duplicate key, no alias, no tag, no rewritten scalar.

The tree is built from parser events on an explicit stack. PyYAML's C composer recurses and dies
of a signal between 20,000 and 40,000 nested brackets; here nothing recurses, and the limits hold
before anything grows.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache, partial
from typing import Any, Final

import yaml
from msgspec import Struct

from keyturn.files.text import decode_source
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, error_diagnostic
from keyturn.model.fields import FieldPath
from keyturn.yamldoc.errors import explain_yaml_error
from keyturn.yamldoc.scalars import AmbiguousScalarError, Scalar, parse_plain_scalar


class SourceSpan(Struct, frozen=True):
    """Where a value and its key stand: lines and columns from 1, columns and lengths in characters.

    A length ends with the token or with its first line; it is at least 1. ``key_line`` is 0 for
    an item of a list and for the whole file.
    """

    line: int
    column: int
    length: int = 1
    key_line: int = 0
    key_column: int = 0
    key_length: int = 0


class SpanIndex(Mapping[FieldPath, SourceSpan]):
    """The places of a file by path; an item of a list is named by its number, as text.

    The file is measured when the first place is asked for: most files never are.
    """

    def __init__(self, measure: Callable[[], dict[FieldPath, SourceSpan]]) -> None:
        self._measure_spans = measure

    @cached_property
    def _spans(self) -> dict[FieldPath, SourceSpan]:
        return self._measure_spans()

    def __getitem__(self, path: FieldPath) -> SourceSpan:
        return self._spans[path]

    def __iter__(self) -> Iterator[FieldPath]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)


def find_source_location(
    places: Mapping[FieldPath, SourceSpan], file: str, path: FieldPath, *, key: bool = False
) -> SourceLocation:
    """Return where ``path`` stands in ``file``, or the nearest thing around it that is there.

    ``key`` asks for the place of the key instead of that of the value.
    """
    while path and path not in places:
        path = path[:-1]
    place = places.get(path)
    if place is None:
        return SourceLocation(file)
    if key and place.key_line:
        return SourceLocation(file, place.key_line, place.key_column)
    return SourceLocation(file, place.line, place.column)


MAX_YAML_DEPTH: Final = 64
"""How deep collections may nest."""

MAX_YAML_NODES: Final = 20_000
"""How many keys and values a file may have: a megabyte of commas is no manifest."""

MAX_YAML_ERRORS: Final = 50
"""After how many faults the reading of a file stops."""

_PARSER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_QUOTE_HINT: Final = "put it in quotes if it is text; write a number plainly (1000, 0.5) or true, false, null"


class Document(Struct, frozen=True):
    """One YAML document: ``tree`` of plain values, ``places`` of every path in it.

    Mappings keep the order of the file. ``text`` is what was read, without a byte order mark.
    """

    file: str
    tree: Mapping[str, Any]
    text: str
    spans: SpanIndex

    def find_location(self, path: FieldPath = (), *, key: bool = False) -> SourceLocation:
        """Return where ``path`` stands, or the nearest thing around it; ``key``: where its key stands."""
        return find_source_location(self.spans, self.file, path, key=key)


def parse_document(data: bytes, file: str, *, switches: bool = False) -> Document:
    """Return the document in ``data``; ``file`` is its name in findings.

    ``switches`` takes yes, no, on and off for text, as YAML 1.2 does. Raises Faulty with every
    fault that was found (KT101 to KT115); no value of the file is in a message.
    """
    text = decode_source(data, file)
    builder = _TreeBuilder(file, text, switches=switches)
    tree = builder.build_tree()

    return Document(file, tree, text, SpanIndex(partial(_measure_spans, file, text, switches=switches)))


def _measure_spans(file: str, text: str, *, switches: bool) -> dict[FieldPath, SourceSpan]:
    again = _TreeBuilder(file, text, switches=switches, measured=True)
    again.build_tree()
    return again.spans


class _StackFrame:
    __slots__ = ("begin", "items", "key", "key_event", "path")

    def __init__(self, items: Any, path: FieldPath, begin: Any) -> None:
        self.items = items
        self.path = path
        self.begin = begin
        self.key: str | None = None
        self.key_event: Any = None


class _TreeBuilder:
    def __init__(self, file: str, text: str, *, switches: bool, measured: bool = False) -> None:
        self.file = file
        self.text = text
        self.switches = switches
        self.measured = measured
        self.spans: dict[FieldPath, SourceSpan] = {}
        self._lines = text.split("\n") if measured else []
        self._errors: list[Diagnostic] = []
        self._stack: list[_StackFrame] = []
        self._root: Any = None
        self._documents = 0

    def build_tree(self) -> Mapping[str, Any]:
        try:
            self._read_events()
        except yaml.YAMLError as error:
            self._errors.append(explain_yaml_error(error, self.text, self.file))
        if self._errors:
            raise DiagnosticError(*self._errors)
        if not isinstance(self._root, dict):
            self._raise_error(
                "KT108", None, "the file holds no keys", "a manifest begins with `kind:` and `name:`"
            )
        return self._root  # type: ignore[no-any-return]

    def _read_events(self) -> None:
        # The hottest loop of all that keyturn does: what is local here is quicker to reach.
        following, scalar, handlers = _PARSER(self.text).get_event, self._add_scalar, _EVENT_HANDLERS
        count = 0
        while (event := following()) is not None:
            kind = type(event)
            handler = handlers.get(kind)
            if handler is None and kind is not yaml.ScalarEvent:
                continue
            count += 1
            if count > MAX_YAML_NODES:
                self._raise_error(
                    "KT114", event, f"more than {MAX_YAML_NODES:,} keys and values", "one resource per file"
                )
            if handler is None:
                scalar(event)
            else:
                handler(self, event)

    def _add_scalar(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._reject_properties(event)
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.key is None and type(frame.items) is dict:
            self._set_key(frame, event)
        else:
            self._attach_value(event, self._parse_value(event), event)

    def _set_key(self, frame: _StackFrame, event: Any) -> None:
        key = event.value
        if not event.style and not _is_text_key(key, switches=self.switches):
            return self._reject_key(frame, event)
        if key == "":
            self._add_error("KT112", event, "a key is empty", "give it a name")
        if key in frame.items:
            self._add_error(
                "KT111", event, "this key stands twice in the same mapping", "remove one of the two"
            )
        frame.key, frame.key_event = key, event
        return None

    def _reject_key(self, frame: _StackFrame, event: Any) -> None:
        if event.value == "<<":
            self._add_error("KT109", event, "merge keys (<<) are not read here", "write the keys out")
        else:
            self._add_error(
                "KT112", event, "this key is not text to every YAML reader", "put the key in quotes"
            )
        frame.key, frame.key_event = event.value, event

    def _parse_value(self, event: Any) -> Scalar:
        if event.style:
            return event.value  # type: ignore[no-any-return]
        try:
            return parse_plain_scalar(event.value, switches=self.switches)
        except AmbiguousScalarError as error:
            message = f"this unquoted value looks like {error}, and YAML readers do not agree on it"
            self._add_error("KT113", event, message, _QUOTE_HINT)
            return None

    def _attach_value(self, event: Any, value: Any, last: Any) -> FieldPath:
        frame = self._stack[-1] if self._stack else None
        if frame is None:
            self._root = value
        elif frame.key is None:
            frame.items.append(value)
        else:
            frame.items[frame.key] = value
        path = self._record_span(frame, event, last) if self.measured else ()
        if frame is not None:
            frame.key = frame.key_event = None
        return path

    def _record_span(self, frame: _StackFrame | None, event: Any, last: Any) -> FieldPath:
        if frame is None:
            path: FieldPath = ()
        else:
            path = (*frame.path, str(len(frame.items) - 1) if frame.key is None else frame.key)
        self.spans[path] = self._measure_span(event, last, frame and frame.key_event)
        return path

    def _measure_span(self, event: Any, last: Any, key: Any) -> SourceSpan:
        at = event.start_mark
        length = self._measure_length(at, last.end_mark)
        if key is None:
            return SourceSpan(at.line + 1, at.column + 1, length)
        mark = key.start_mark
        key_length = self._measure_length(mark, key.end_mark)
        return SourceSpan(at.line + 1, at.column + 1, length, mark.line + 1, mark.column + 1, key_length)

    def _measure_length(self, start: Any, end: Any) -> int:
        last: int = end.column if start.line == end.line else len(self._lines[start.line].rstrip())
        return max(1, last - int(start.column))

    def _open_collection(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._reject_properties(event)
        if len(self._stack) >= MAX_YAML_DEPTH:
            self._raise_error(
                "KT114", event, f"nested deeper than {MAX_YAML_DEPTH} levels", "a manifest is flat; unfold it"
            )
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.key is None and type(frame.items) is dict:
            self._raise_error("KT112", event, "a key is a list or a mapping", "a key is text on one line")
        items: Any = {} if type(event) is yaml.MappingStartEvent else []
        path = self._attach_value(event, items, event)
        self._stack.append(_StackFrame(items, path, event))

    def _close_collection(self, event: Any) -> None:
        frame = self._stack.pop()
        if self.measured and frame.begin.flow_style:
            place = self.spans[frame.path]
            length = self._measure_length(frame.begin.start_mark, event.end_mark)
            self.spans[frame.path] = SourceSpan(
                place.line, place.column, length, place.key_line, place.key_column, place.key_length
            )

    def _begin_document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self._raise_error(
                "KT107", event, "a second document begins here", "one resource and one document per file"
            )
        if event.version or event.tags:
            self._add_error("KT110", event, "a YAML directive (%YAML, %TAG)", "remove the line")

    def _reject_alias(self, event: Any) -> None:
        self._raise_error("KT109", event, "aliases (*name) are not read here", "write the value out")

    def _reject_properties(self, event: Any) -> None:
        if event.anchor is not None:
            self._add_error(
                "KT109", event, "anchors (&name) are not read here", "write the value out where it is used"
            )
        if event.tag is not None:
            self._add_error("KT110", event, "tags (!name) are not read here", "remove the tag; quote text")

    def _add_error(self, code: str, event: Any, message: str, hint: str) -> None:
        at = event.start_mark if event is not None else None
        origin = SourceLocation(self.file, at.line + 1, at.column + 1) if at else SourceLocation(self.file)
        # Where YAML is refused, any line may hold a secret.
        self._errors.append(error_diagnostic(code, origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT))
        if len(self._errors) >= MAX_YAML_ERRORS:
            raise DiagnosticError(*self._errors)

    def _raise_error(self, code: str, event: Any, message: str, hint: str) -> None:
        self._add_error(code, event, message, hint)
        raise DiagnosticError(*self._errors)


@lru_cache(maxsize=4096)  # the files of a repository have the same few keys
def _is_text_key(key: str, *, switches: bool) -> bool:
    try:
        return isinstance(parse_plain_scalar(key, switches=switches), str)
    except AmbiguousScalarError:
        return False


_EVENT_HANDLERS: Final = {
    yaml.MappingStartEvent: _TreeBuilder._open_collection,  # noqa: SLF001
    yaml.SequenceStartEvent: _TreeBuilder._open_collection,  # noqa: SLF001
    yaml.MappingEndEvent: _TreeBuilder._close_collection,  # noqa: SLF001
    yaml.SequenceEndEvent: _TreeBuilder._close_collection,  # noqa: SLF001
    yaml.DocumentStartEvent: _TreeBuilder._begin_document,  # noqa: SLF001
    yaml.AliasEvent: _TreeBuilder._reject_alias,  # noqa: SLF001
}
