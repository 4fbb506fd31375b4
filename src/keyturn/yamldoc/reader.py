"""Reader of one YAML document with source spans; rejects duplicate keys, aliases, tags and ambiguous scalars.

The tree is built from parser events on an explicit stack. PyYAML's C composer recurses, and the
process crashes between 20,000 and 40,000 nested brackets. The reader does not recurse, and it
checks its limits before it allocates.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache, partial
from typing import Any, Final

import yaml
from msgspec import Struct
from msgspec.structs import replace

from keyturn.files.text import decode_source
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, error_diagnostic
from keyturn.model.fields import FieldPath
from keyturn.yamldoc.errors import explain_yaml_error
from keyturn.yamldoc.scalars import AmbiguousScalarError, Scalar, needs_exponent, parse_plain_scalar

MAX_YAML_DEPTH: Final = 64
"""The maximum nesting depth of collections."""

MAX_YAML_NODES: Final = 20_000
"""The maximum number of keys and values in a file."""

MAX_YAML_ERRORS: Final = 50
"""The number of errors after which reading stops."""

_PARSER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_QUOTE_HINT: Final = (
    "put it in quotes if it is text; otherwise write a number (1000, 0.5), true, false or null"
)


class SourceSpan(Struct, frozen=True):
    """The position of a value and of its key: lines and columns from 1, columns and lengths in characters.

    A length is at least 1 and covers the token up to the end of its first line. ``key_line`` is 0
    for an item of a list and for the whole document. ``end_line`` and ``end_column`` are the position
    after a scalar or a flow collection, 0 for a block collection.
    """

    line: int
    column: int
    length: int = 1
    key_line: int = 0
    key_column: int = 0
    key_length: int = 0
    end_line: int = 0
    end_column: int = 0


class SpanIndex(Mapping[FieldPath, SourceSpan]):
    """The spans of a document by path; the path of a list item ends with its index as text.

    The spans are computed on first access, because most documents do not need them.
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
    spans: Mapping[FieldPath, SourceSpan], file: str, path: FieldPath, *, key: bool = False
) -> SourceLocation:
    """Return the location of ``path`` in ``file``, or of its nearest existing parent.

    ``key`` selects the location of the key instead of that of the value.
    """
    while path and path not in spans:
        path = path[:-1]
    span = spans.get(path)
    if span is None:
        return SourceLocation(file)
    if key and span.key_line:
        return SourceLocation(file, span.key_line, span.key_column)
    return SourceLocation(file, span.line, span.column)


class Document(Struct, frozen=True):
    """One YAML document: ``tree`` has its plain values, ``spans`` the position of each path.

    Mappings keep the order of the file. ``text`` is the decoded file without a byte order mark.
    """

    file: str
    tree: Mapping[str, Any]
    text: str
    spans: SpanIndex

    def find_location(self, path: FieldPath = (), *, key: bool = False) -> SourceLocation:
        """Return the location of ``path`` (with ``key``: of its key), or of its nearest existing parent."""
        return find_source_location(self.spans, self.file, path, key=key)


def parse_document(data: bytes, file: str, *, yes_no_as_text: bool = False) -> Document:
    """Parse ``data`` as one document; ``file`` is its name in diagnostics.

    With ``yes_no_as_text``, yes, no, on and off are text, as in YAML 1.2. Raises DiagnosticError
    with all errors found (KT101 to KT115); the messages contain no value of the file.
    """
    text = decode_source(data, file)
    tree = _TreeBuilder(file, text, yes_no_as_text=yes_no_as_text).build_tree()
    return _build_document(file, text, tree, yes_no_as_text=yes_no_as_text)


def restore_document(data: bytes, file: str, tree: Mapping[str, Any]) -> Document:
    """Return the document that ``parse_document`` returned for ``data`` before; ``tree`` is its tree."""
    return _build_document(file, decode_source(data, file), tree, yes_no_as_text=False)


def _build_document(file: str, text: str, tree: Mapping[str, Any], *, yes_no_as_text: bool) -> Document:
    measure_spans = partial(_measure_spans, file, text, yes_no_as_text=yes_no_as_text)
    return Document(file, tree, text, SpanIndex(measure_spans))


def _measure_spans(file: str, text: str, *, yes_no_as_text: bool) -> dict[FieldPath, SourceSpan]:
    builder = _TreeBuilder(file, text, yes_no_as_text=yes_no_as_text, with_spans=True)
    builder.build_tree()
    return builder.spans


class _StackFrame:
    __slots__ = ("begin", "items", "key", "key_event", "path")

    def __init__(self, items: Any, path: FieldPath, begin: Any) -> None:
        self.items = items
        self.path = path
        self.begin = begin
        self.key: str | None = None
        self.key_event: Any = None


class _TreeBuilder:
    def __init__(self, file: str, text: str, *, yes_no_as_text: bool, with_spans: bool = False) -> None:
        self.file = file
        self.text = text
        self.yes_no_as_text = yes_no_as_text
        self.with_spans = with_spans
        self.spans: dict[FieldPath, SourceSpan] = {}
        self._lines = text.split("\n") if with_spans else []
        self._errors: list[Diagnostic] = []
        self._stack: list[_StackFrame] = []
        self._root: Any = None
        self._document_count = 0
        self._small_numbers: list[Any] = []

    def build_tree(self) -> Mapping[str, Any]:
        try:
            self._read_events()
        except yaml.YAMLError as error:
            self._errors.append(explain_yaml_error(error, self.text, self.file))
        if self._small_numbers and isinstance(self._root, dict) and "sops" in self._root:
            self._reject_small_numbers()
        if self._errors:
            raise DiagnosticError(*self._errors)
        if not isinstance(self._root, dict):
            self._raise_error(
                "KT108", None, "the file has no keys", "a manifest starts with `kind:` and `name:`"
            )
        return self._root  # type: ignore[no-any-return]

    def _read_events(self) -> None:
        # This is the hottest loop of keyturn; local names are faster than attributes.
        next_event, add_scalar, handlers = _PARSER(self.text).get_event, self._add_scalar, _EVENT_HANDLERS
        count = 0
        while (event := next_event()) is not None:
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
                add_scalar(event)
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
        if not event.style and not _is_text_key(key, yes_no_as_text=self.yes_no_as_text):
            return self._reject_key(frame, event)
        if key == "":
            self._add_error("KT112", event, "a key is empty", "give it a name")
        if key in frame.items:
            self._add_error("KT111", event, "duplicate key in this mapping", "remove one of the two")
        frame.key, frame.key_event = key, event
        return None

    def _reject_key(self, frame: _StackFrame, event: Any) -> None:
        if event.value == "<<":
            self._add_error("KT109", event, "merge keys (<<) are not supported", "write the keys out")
        else:
            self._add_error(
                "KT112", event, "some YAML parsers do not read this key as text", "put the key in quotes"
            )
        frame.key, frame.key_event = event.value, event

    def _parse_value(self, event: Any) -> Scalar:
        if event.style:
            return event.value  # type: ignore[no-any-return]
        try:
            value = parse_plain_scalar(event.value, yes_no_as_text=self.yes_no_as_text)
        except AmbiguousScalarError as error:
            message = f"this unquoted value looks like {error}; YAML parsers read it differently"
            self._add_error("KT113", event, message, _QUOTE_HINT)
            return None
        if type(value) is float and needs_exponent(value):
            self._small_numbers.append(event)
        return value

    def _reject_small_numbers(self) -> None:
        message = "sops writes this number with an exponent, and YAML parsers read it differently"
        for event in self._small_numbers:
            self._add_error("KT113", event, message, "put it in quotes, or use a larger unit")

    def _attach_value(self, event: Any, value: Any, last: Any) -> FieldPath:
        frame = self._stack[-1] if self._stack else None
        if frame is None:
            self._root = value
        elif frame.key is None:
            frame.items.append(value)
        else:
            frame.items[frame.key] = value
        path = self._record_span(frame, event, last) if self.with_spans else ()
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
        at, end = event.start_mark, last.end_mark
        is_scalar = type(event) is yaml.ScalarEvent
        span = SourceSpan(
            line=at.line + 1,
            column=at.column + 1,
            length=self._measure_length(at, end),
            end_line=end.line + 1 if is_scalar else 0,
            end_column=end.column + 1 if is_scalar else 0,
        )
        if key is None:
            return span
        mark = key.start_mark
        key_length = self._measure_length(mark, key.end_mark)
        return replace(span, key_line=mark.line + 1, key_column=mark.column + 1, key_length=key_length)

    def _measure_length(self, start: Any, end: Any) -> int:
        last: int = end.column if start.line == end.line else len(self._lines[start.line].rstrip())
        return max(1, last - int(start.column))

    def _open_collection(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._reject_properties(event)
        if len(self._stack) >= MAX_YAML_DEPTH:
            self._raise_error(
                "KT114", event, f"nested deeper than {MAX_YAML_DEPTH} levels", "reduce the nesting"
            )
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.key is None and type(frame.items) is dict:
            self._raise_error(
                "KT112", event, "a key is a list or a mapping", "write the key as text on one line"
            )
        items: Any = {} if type(event) is yaml.MappingStartEvent else []
        path = self._attach_value(event, items, event)
        self._stack.append(_StackFrame(items, path, event))

    def _close_collection(self, event: Any) -> None:
        frame = self._stack.pop()
        if self.with_spans and frame.begin.flow_style:
            end = event.end_mark
            self.spans[frame.path] = replace(
                self.spans[frame.path],
                length=self._measure_length(frame.begin.start_mark, end),
                end_line=end.line + 1,
                end_column=end.column + 1,
            )

    def _begin_document(self, event: Any) -> None:
        self._document_count += 1
        if self._document_count > 1:
            self._raise_error("KT107", event, "a second document starts here", "write one document per file")
        if event.version or event.tags:
            self._add_error(
                "KT110", event, "YAML directives (%YAML, %TAG) are not supported", "remove the line"
            )

    def _reject_alias(self, event: Any) -> None:
        self._raise_error("KT109", event, "aliases (*name) are not supported", "write the value out")

    def _reject_properties(self, event: Any) -> None:
        if event.anchor is not None:
            self._add_error(
                "KT109", event, "anchors (&name) are not supported", "write the value out where it is used"
            )
        if event.tag is not None:
            self._add_error("KT110", event, "tags (!name) are not supported", "remove the tag; quote text")

    def _add_error(self, code: str, event: Any, message: str, hint: str) -> None:
        at = event.start_mark if event is not None else None
        origin = SourceLocation(self.file, at.line + 1, at.column + 1) if at else SourceLocation(self.file)
        # If the YAML is invalid, any line may contain a secret.
        self._errors.append(error_diagnostic(code, origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT))
        if len(self._errors) >= MAX_YAML_ERRORS:
            raise DiagnosticError(*self._errors)

    def _raise_error(self, code: str, event: Any, message: str, hint: str) -> None:
        self._add_error(code, event, message, hint)
        raise DiagnosticError(*self._errors)


@lru_cache(maxsize=4096)  # Most files of a repository have the same keys.
def _is_text_key(key: str, *, yes_no_as_text: bool) -> bool:
    try:
        return isinstance(parse_plain_scalar(key, yes_no_as_text=yes_no_as_text), str)
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
