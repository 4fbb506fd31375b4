"""Writing manifests: through the real sops, on a private copy, checked, then moved into place at once.

No plaintext ever touches a disk: a secret goes through a pipe, and the copy that sops works on
holds ciphertext. Killed at any point, a file is the old one or the new one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any, Final

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Faulty, Severity
from keyturn.core.fields import Path, nest
from keyturn.core.secret import Secret
from keyturn.load.decrypt import Opener, open_one
from keyturn.load.envelope import BLOCK, judge
from keyturn.load.files import Source, load_file
from keyturn.load.findings import fault
from keyturn.load.nodes import Document, read
from keyturn.load.placing import Place, place
from keyturn.load.quoting import flow, quoted
from keyturn.load.recipe import recipe_for
from keyturn.load.sops_binary import Sops
from keyturn.load.splice import spliced
from keyturn.policy.settings import Settings

_REFRESHED: Final = (("sops", "lastmodified"), ("sops", "mac"), ("sops", "version"))


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes manifests below ``root``; ``open_all`` decrypts what was written, to compare it."""

    root: File
    settings: Settings
    sops: Sops
    open_all: Opener

    def set_values(self, relative: str, values: Mapping[Path, Secret | str | float | None]) -> Source:
        """Set values of a manifest by their path in it; return the file as it is then.

        A ``Secret`` belongs below ``secrets:``. All other ciphertext, comments and layout stay
        byte for byte wherever the values have a line of their own. Raises Faulty and leaves the
        file as it was: KT226 where somebody wrote it meanwhile, KT225 where what was written does
        not decrypt to what was meant, and whatever sops refuses.
        """
        with place(self.root, relative) as target:
            before = load_file(self.root, relative)
            document = read(before.data, relative)
            if "sops" in document.tree:
                text = self._changed(document, target, values)
            elif any(isinstance(value, Secret) for value in values.values()):
                text = self._first(document, values)
            else:
                text = _plainly(document, values)
            after = read(text.encode(), relative)
            self._verify(document, after, values)
            target.replace(_bytes(before, text), expected=before.digest)
        return load_file(self.root, relative)

    def new_file(self, relative: str, tree: Mapping[str, Any], head: str = "") -> Source:
        """Write a manifest that was not there, its ``Secret`` leaves encrypted; return it.

        ``head`` are lines of comment to begin with. Raises Faulty, KT229 where there is a file.
        """
        values = {path: leaf for path, leaf in _flat(tree).items() if isinstance(leaf, Secret)}
        plain = {key: value for key, value in tree.items() if key != BLOCK}
        text = head + (self._encrypted(relative, tree) if values else _block(plain))
        document = read(text.encode(), relative)
        self._verify(document, document, values)
        with place(self.root, relative, new=True) as target:
            target.create(text.encode())
        return load_file(self.root, relative)

    def _changed(
        self, document: Document, target: Place, values: Mapping[Path, Secret | str | float | None]
    ) -> str:
        with target.copy(document.text.encode()) as copy:
            for path, value in values.items():
                self.sops.set_value(copy, path, _json(value), document.file)
            rewritten = read(copy.read_bytes(), document.file)
        tokens = {path: _token(_at(rewritten.tree, path)) for path in (*values, *_REFRESHED)}
        text = spliced(document, tokens)
        if text is not None and _same(text, rewritten):
            return text
        return rewritten.text

    def _first(self, document: Document, values: Mapping[Path, Secret | str | float | None]) -> str:
        tree = dict(document.tree) | nest({path: value for path, value in values.items()})
        encrypted = read(self._encrypted(document.file, tree).encode(), document.file)
        ...

    def _encrypted(self, relative: str, tree: Mapping[str, Any]) -> str:
        plain = flow(_revealed(tree)).encode()
        return self.sops.encrypt(plain, recipe_for(self.root, self.settings, relative), relative).decode()
