"""YAML with lines: one document, no duplicate key, no alias, no tag, no rewritten scalar.

The tree is built from parser events on an explicit stack. PyYAML's C composer recurses and dies
of a signal between 20,000 and 40,000 nested brackets; here nothing recurses, and the limits hold
before anything grows.
"""

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any, Final

import yaml
from msgspec import Struct

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Cause, Diagnostic, Faulty
from keyturn.core.fields import Path
from keyturn.load.findings import fault
from keyturn.load.places import Place, Places, origin_of
from keyturn.load.scalars import Ambiguous, Scalar, plain
from keyturn.load.syntax import explained
from keyturn.load.text import decode

DEPTH: Final = 64
"""How deep collections may nest."""

NODES: Final = 20_000
"""How many keys and values a file may have: a megabyte of commas is no manifest."""

FAULTS: Final = 50
"""After how many faults the reading of a file stops."""

_PARSER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_QUOTE: Final = "put it in quotes if it is text; write a number plainly (1000, 0.5) or true, false, null"


class Document(Struct, frozen=True):
    """One YAML document: ``tree`` of plain values, ``places`` of every path in it.

    Mappings keep the order of the file. ``text`` is what was read, without a byte order mark.
    """

    file: str
    tree: Mapping[str, Any]
    text: str
    places: Places

    def origin(self, path: Path = (), *, key: bool = False) -> Origin:
        """Return where ``path`` stands, or the nearest thing around it; ``key``: where its key stands."""
        return origin_of(self.places, self.file, path, key=key)


def read(data: bytes, file: str, *, switches: bool = False) -> Document:
    """Return the document in ``data``; ``file`` is its name in findings.

    ``switches`` takes yes, no, on and off for text, as YAML 1.2 does. Raises Faulty with every
    fault that was found (KT101 to KT115); no value of the file is in a message.
    """
    text = decode(data, file)
    builder = _Builder(file, text, switches=switches)
    tree = builder.run()

    return Document(file, tree, text, Places(partial(_measured, file, text, switches=switches)))


def _measured(file: str, text: str, *, switches: bool) -> dict[Path, Place]:
    again = _Builder(file, text, switches=switches, measured=True)
    again.run()
    return again.places


class _Frame:
    __slots__ = ("begin", "items", "key", "key_event", "path")

    def __init__(self, items: Any, path: Path, begin: Any) -> None:
        self.items = items
        self.path = path
        self.begin = begin
        self.key: str | None = None
        self.key_event: Any = None


class _Builder:
    def __init__(self, file: str, text: str, *, switches: bool, measured: bool = False) -> None:
        self.file = file
        self.text = text
        self.switches = switches
        self.measured = measured
        self.places: dict[Path, Place] = {}
        self._lines = text.split("\n") if measured else []
        self._faults: list[Diagnostic] = []
        self._stack: list[_Frame] = []
        self._root: Any = None
        self._documents = 0

    def run(self) -> Mapping[str, Any]:
        try:
            self._read()
        except yaml.YAMLError as error:
            self._faults.append(explained(error, self.text, self.file))
        if self._faults:
            raise Faulty(*self._faults)
        if not isinstance(self._root, dict):
            self._stop("KT108", None, "the file holds no keys", "a manifest begins with `kind:` and `name:`")
        return self._root  # type: ignore[no-any-return]

    def _read(self) -> None:
        # The hottest loop of all that keyturn does: what is local here is quicker to reach.
        following, scalar, handlers = _PARSER(self.text).get_event, self._scalar, _HANDLERS
        count = 0
        while (event := following()) is not None:
            kind = type(event)
            handler = handlers.get(kind)
            if handler is None and kind is not yaml.ScalarEvent:
                continue
            count += 1
            if count > NODES:
                self._stop("KT114", event, f"more than {NODES:,} keys and values", "one resource per file")
            if handler is None:
                scalar(event)
            else:
                handler(self, event)

    def _scalar(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._refuse_marks(event)
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.key is None and type(frame.items) is dict:
            self._key(frame, event)
        else:
            self._place(event, self._value(event), event)

    def _key(self, frame: _Frame, event: Any) -> None:
        key = event.value
        if not event.style and not _is_text(key, switches=self.switches):
            return self._odd_key(frame, event)
        if key == "":
            self._fault("KT112", event, "a key is empty", "give it a name")
        if key in frame.items:
            self._fault("KT111", event, "this key stands twice in the same mapping", "remove one of the two")
        frame.key, frame.key_event = key, event
        return None

    def _odd_key(self, frame: _Frame, event: Any) -> None:
        if event.value == "<<":
            self._fault("KT109", event, "merge keys (<<) are not read here", "write the keys out")
        else:
            self._fault("KT112", event, "this key is not text to every YAML reader", "put the key in quotes")
        frame.key, frame.key_event = event.value, event

    def _value(self, event: Any) -> Scalar:
        if event.style:
            return event.value  # type: ignore[no-any-return]
        try:
            return plain(event.value, switches=self.switches)
        except Ambiguous as error:
            message = f"this unquoted value looks like {error}, and YAML readers do not agree on it"
            self._fault("KT113", event, message, _QUOTE)
            return None

    def _place(self, event: Any, value: Any, last: Any) -> Path:
        frame = self._stack[-1] if self._stack else None
        if frame is None:
            self._root = value
        elif frame.key is None:
            frame.items.append(value)
        else:
            frame.items[frame.key] = value
        path = self._noted(frame, event, last) if self.measured else ()
        if frame is not None:
            frame.key = frame.key_event = None
        return path

    def _noted(self, frame: _Frame | None, event: Any, last: Any) -> Path:
        if frame is None:
            path: Path = ()
        else:
            path = (*frame.path, str(len(frame.items) - 1) if frame.key is None else frame.key)
        self.places[path] = self._measure(event, last, frame and frame.key_event)
        return path

    def _measure(self, event: Any, last: Any, key: Any) -> Place:
        at = event.start_mark
        length = self._length(at, last.end_mark)
        if key is None:
            return Place(at.line + 1, at.column + 1, length)
        mark = key.start_mark
        key_length = self._length(mark, key.end_mark)
        return Place(at.line + 1, at.column + 1, length, mark.line + 1, mark.column + 1, key_length)

    def _length(self, start: Any, end: Any) -> int:
        last: int = end.column if start.line == end.line else len(self._lines[start.line].rstrip())
        return max(1, last - int(start.column))

    def _begin(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._refuse_marks(event)
        if len(self._stack) >= DEPTH:
            self._stop("KT114", event, f"nested deeper than {DEPTH} levels", "a manifest is flat; unfold it")
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.key is None and type(frame.items) is dict:
            self._stop("KT112", event, "a key is a list or a mapping", "a key is text on one line")
        items: Any = {} if type(event) is yaml.MappingStartEvent else []
        path = self._place(event, items, event)
        self._stack.append(_Frame(items, path, event))

    def _end(self, event: Any) -> None:
        frame = self._stack.pop()
        if self.measured and frame.begin.flow_style:
            place = self.places[frame.path]
            length = self._length(frame.begin.start_mark, event.end_mark)
            self.places[frame.path] = Place(
                place.line, place.column, length, place.key_line, place.key_column, place.key_length
            )

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self._stop(
                "KT107", event, "a second document begins here", "one resource and one document per file"
            )
        if event.version or event.tags:
            self._fault("KT110", event, "a YAML directive (%YAML, %TAG)", "remove the line")

    def _alias(self, event: Any) -> None:
        self._stop("KT109", event, "aliases (*name) are not read here", "write the value out")

    def _refuse_marks(self, event: Any) -> None:
        if event.anchor is not None:
            self._fault(
                "KT109", event, "anchors (&name) are not read here", "write the value out where it is used"
            )
        if event.tag is not None:
            self._fault("KT110", event, "tags (!name) are not read here", "remove the tag; quote text")

    def _fault(self, code: str, event: Any, message: str, hint: str) -> None:
        at = event.start_mark if event is not None else None
        origin = Origin(self.file, at.line + 1, at.column + 1) if at else Origin(self.file)
        # Where YAML is refused, any line may hold a secret.
        self._faults.append(fault(code, origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT))
        if len(self._faults) >= FAULTS:
            raise Faulty(*self._faults)

    def _stop(self, code: str, event: Any, message: str, hint: str) -> None:
        self._fault(code, event, message, hint)
        raise Faulty(*self._faults)


@lru_cache(maxsize=4096)  # the files of a repository have the same few keys
def _is_text(key: str, *, switches: bool) -> bool:
    try:
        return isinstance(plain(key, switches=switches), str)
    except Ambiguous:
        return False


_HANDLERS: Final = {
    yaml.MappingStartEvent: _Builder._begin,  # noqa: SLF001
    yaml.SequenceStartEvent: _Builder._begin,  # noqa: SLF001
    yaml.MappingEndEvent: _Builder._end,  # noqa: SLF001
    yaml.SequenceEndEvent: _Builder._end,  # noqa: SLF001
    yaml.DocumentStartEvent: _Builder._document,  # noqa: SLF001
    yaml.AliasEvent: _Builder._alias,  # noqa: SLF001
}
