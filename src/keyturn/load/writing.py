"""Writing manifests: through the real sops, on a private copy, checked, then moved into place at once.

No plaintext of a secret touches a disk: it goes through a pipe, and the copy that sops works on
holds ciphertext. Killed at any point, a file is the old one or the new one.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path as File
from typing import Any, Final, TypeAlias

from msgspec import Struct

from keyturn.core.diagnostic import Cause, Diagnostic, Faulty, Severity
from keyturn.core.fields import Path, dotted, flatten, nest
from keyturn.core.secret import Secret
from keyturn.load.decrypt import Opener, open_one
from keyturn.load.envelope import BLOCK, judge, reachable
from keyturn.load.files import Source, load_file
from keyturn.load.findings import fault
from keyturn.load.metadata import Envelope, envelope
from keyturn.load.nodes import Document, read
from keyturn.load.placing import Place, place
from keyturn.load.quoting import block, flow, scalar
from keyturn.load.recipe import recipe_for
from keyturn.load.sops_binary import Sops
from keyturn.load.splice import cut, spliced
from keyturn.policy.settings import Settings

Value: TypeAlias = Secret | str | int | float | bool | list[object] | None

_REFRESHED: Final = (("sops", "lastmodified"), ("sops", "mac"))
_KEY_CAUSES: Final = frozenset({Cause.NO_KEY, Cause.WRONG_KEY})
_BOM: Final = b"\xef\xbb\xbf"


class Writer(Struct, frozen=True):
    """Writes manifests below ``root``; ``open_all`` decrypts what was written, to compare it."""

    root: File
    settings: Settings
    sops: Sops
    open_all: Opener

    def set_values(self, relative: str, values: Mapping[Path, Value], gone: Collection[Path] = ()) -> Source:
        """Set values of a manifest by their path in it, take ``gone`` out; return the file as it is then.

        A ``Secret`` belongs below ``secrets:``. All other ciphertext, and comments and layout
        where the values have lines of their own, stay byte for byte. Raises Faulty and leaves the
        file as it was: KT226 where somebody wrote it meanwhile, KT225 where what was written is
        not what was meant, KT209 where secrets stand in clear, and whatever sops refuses.
        """
        with place(self.root, relative) as target:
            before = load_file(self.root, relative)
            document = read(before.data, relative)
            if "sops" in document.tree:
                self._refuse_unreachable(document)
                text = self._changed(document, target, (values, gone))
            else:
                text = _without(self._grown(document, values), document, gone)
            self._verify(document, text, values, gone)
            data = (_BOM if before.data.startswith(_BOM) else b"") + text.encode()
            target.replace(data, before.digest)
            return load_file(self.root, relative)

    def new_file(self, relative: str, tree: Mapping[str, Any], head: str = "") -> Source:
        """Write a manifest that was not there, its ``Secret`` leaves encrypted; return it.

        ``head`` are lines of comment to begin with. Raises Faulty, KT229 where a file is.
        """
        plain = {key: value for key, value in tree.items() if key != BLOCK}
        text = head + block(plain)
        document = read(text.encode(), relative)
        leaves: Mapping[Path, object] = flatten(tree)
        secret = {path: leaf for path, leaf in leaves.items() if isinstance(leaf, Secret)}
        if secret:
            text = self._encrypted(document, secret)
            self._verify(document, text, secret, may_be_unreadable=True)
        with place(self.root, relative, new=True) as target:
            target.create(text.encode())
            return load_file(self.root, relative)

    def _refuse_unreachable(self, document: Document) -> None:
        # Before sops sees the file: it asks every server that the file names.
        found = envelope(document)
        wrong = tuple(reachable(document, found, self.settings)) if isinstance(found, Envelope) else found
        if wrong:
            raise Faulty(*wrong)

    def _changed(
        self, document: Document, target: Place, asked: tuple[Mapping[Path, Value], Collection[Path]]
    ) -> str:
        values, gone = asked
        with target.copy(document.text.encode()) as copy:
            for path, value in values.items():
                self.sops.set_value(copy, path, _json(value), document.file)
            for path in gone:
                self.sops.unset_value(copy, path, document.file)
            written = read(copy.read_bytes(), document.file)
        moved = {
            path: _token(leaf) for path in (*values, *_REFRESHED) if (leaf := _at(written, path)) is not None
        }
        text = spliced(document, moved)
        if gone and text is not None:
            text = _without(text, document, gone)
        return text if text is not None and _means(text, written) else written.text

    def _grown(self, document: Document, values: Mapping[Path, Value]) -> str:
        plain = {path: _token(value) for path, value in values.items() if not isinstance(value, Secret)}
        secret = {path: value for path, value in values.items() if isinstance(value, Secret)}
        text = spliced(document, plain)
        if text is None:
            raise Faulty(_unlike(document, next(iter(plain)), "has no line of its own"))
        return self._encrypted(read(text.encode(), document.file), secret) if secret else text

    def _encrypted(self, document: Document, secret: Mapping[Path, Value]) -> str:
        if BLOCK in document.tree:
            hint = "encrypt the file first: sops encrypt --in-place"
            origin = document.origin((BLOCK,), key=True)
            message = "secrets stand in clear in this file"
            raise Faulty(fault("KT209", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT))
        revealed = {path: value.reveal() for path, value in secret.items() if isinstance(value, Secret)}
        plain = flow(dict(document.tree) | nest(revealed)).encode()
        recipe = recipe_for(self.root, self.settings, document.file)
        written = read(self.sops.encrypt(plain, recipe, document.file), document.file)
        line = written.places[(BLOCK,)].key_line
        ending = "\r\n" if "\r\n" in document.text else "\n"
        tail = ending.join(written.text.split("\n")[line - 1 :])
        text = document.text.rstrip() + ending + tail
        return text if _means(text, written) else written.text

    def _verify(
        self,
        before: Document,
        text: str,
        values: Mapping[Path, Value],
        gone: Collection[Path] = (),
        *,
        may_be_unreadable: bool = False,
    ) -> None:
        after = read(text.encode(), before.file)
        wrong = [one for one in judge(after, self.settings) if one.severity is Severity.ERROR]
        if wrong:
            raise Faulty(*wrong)
        for path, leaf in flatten(before.tree).items():
            left = None if any(path[: len(one)] == one for one in gone) else leaf
            if path not in values and path[0] != "sops" and _at(after, path) != left:
                raise Faulty(_unlike(before, path, "was changed along with it"))
        try:
            opened = open_one(after, self.open_all) if "sops" in after.tree else {}
        except Faulty as error:
            if may_be_unreadable and all(finding.cause in _KEY_CAUSES for finding in error.findings):
                return
            raise
        for path, value in values.items():
            if (opened.get(path) if isinstance(value, Secret) else _at(after, path)) != value:
                raise Faulty(_unlike(before, path, "does not come back as it was given"))


def cuttable(document: Document, path: Path) -> bool:
    """Tell whether a key can be taken out of a manifest so that all the rest stays as it is."""
    text = cut(document, (path,))
    return text is not None and _holds(text, document, (path,))


def _without(text: str, before: Document, gone: Collection[Path]) -> str:
    if not gone:
        return text
    document = read(text.encode(), before.file)
    shorter = cut(document, gone)
    if shorter is None or not _holds(shorter, document, gone):
        raise Faulty(_unlike(before, next(iter(gone)), "shares its lines with something else"))
    return shorter


def _holds(text: str, document: Document, gone: Collection[Path]) -> bool:
    try:
        after = flatten(read(text.encode(), document.file).tree)
    except Faulty:
        return False
    stays = {
        path: leaf
        for path, leaf in flatten(document.tree).items()
        if not any(path[: len(one)] == one for one in gone)
    }
    return json.dumps(list(after.items())) == json.dumps(list(stays.items()))


def _at(document: Document, path: Path) -> Any:
    here: Any = document.tree
    for key in path:
        here = here.get(key) if isinstance(here, dict) else None
    return here


def _means(text: str, written: Document) -> bool:
    try:
        document = read(text.encode(), written.file)
    except Faulty:
        return False
    # Compared as text, because the order of keys is part of what the MAC covers.
    return json.dumps(_known(document)) == json.dumps(_known(written))


def _known(document: Document) -> dict[str, Any]:
    return {key: value for key, value in document.tree.items() if key != "sops"} | {
        "sops": sorted(document.tree.get("sops", {}).items())
    }


def _token(value: Any) -> str:
    if not isinstance(value, list):
        return scalar(value)
    line = block({"_": value}).removeprefix("_: ").rstrip("\n")
    return flow(value) if "\n" in line else line


def _json(value: Value) -> bytes:
    return json.dumps(value.reveal() if isinstance(value, Secret) else value).encode()


def _unlike(document: Document, path: Path, what: str) -> Diagnostic:
    message = f"{dotted(path)} {what}; the file was left as it was"
    hint = "run `keyturn doctor`, and report this if sops is in order"
    return fault("KT225", document.origin(path), message, hint)
