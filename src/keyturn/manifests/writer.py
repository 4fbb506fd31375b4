"""Writes manifests with sops: edits a private copy, verifies it and renames it into place.

No plaintext of a secret is written to disk: it goes through a pipe, and the private copy has only
ciphertext. After a crash at any point, a file has the old or the new content.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path as File
from typing import Any, Final, TypeAlias

from msgspec import Struct

from keyturn.files.atomic_write import AtomicFile, lock_for_writing
from keyturn.files.discovery import SourceFile, load_file
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, Severity, error_diagnostic
from keyturn.model.fields import FieldPath, flatten_tree, mask_path, nest_fields
from keyturn.model.secret import Secret
from keyturn.policy.settings import PolicySettings
from keyturn.sops.binary import SopsCommand
from keyturn.sops.checks import SECRETS_BLOCK, check_encryption, check_key_servers
from keyturn.sops.ciphertext import looks_encrypted
from keyturn.sops.decrypt import Decryptor, decrypt_document
from keyturn.sops.metadata import SopsMetadata, parse_metadata
from keyturn.sops.recipients import SECRETS_SELECTOR, CreationRule, find_creation_rule
from keyturn.yamldoc.edit import is_block_list, is_block_scalar, remove_keys, set_values
from keyturn.yamldoc.reader import Document, parse_document
from keyturn.yamldoc.scalars import emit_block, emit_flow, emit_scalar, fits_literal_block

ManifestValue: TypeAlias = Secret | str | int | float | bool | list[object] | None

_REFRESHED_BLOCKS: Final = (SECRETS_BLOCK, "sops")
_KEY_CAUSES: Final = frozenset({Cause.NO_KEY, Cause.WRONG_KEY})
_DOCUMENT_END: Final = re.compile(r"(?m)^\.\.\.[ \t]*\r?\n?(?=\s*\Z)")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class FileEdit(Struct, frozen=True):
    """A change of a manifest: new values by path and deleted paths; a ``Secret`` belongs below ``secrets:``.

    With ``renew_data_key``, an encrypted file gets a new data key, and all its secrets are encrypted again.
    """

    values: Mapping[FieldPath, ManifestValue]
    removed: Collection[FieldPath] = ()
    renew_data_key: bool = False


class ManifestWriter(Struct, frozen=True):
    """Writes manifests below ``root``; ``decryptor`` verifies the written secrets."""

    root: File
    settings: PolicySettings
    sops: SopsCommand
    decryptor: Decryptor

    def update_file(
        self, relative: str, values: Mapping[FieldPath, ManifestValue], removed: Collection[FieldPath] = ()
    ) -> SourceFile:
        """Set values of a manifest by path, delete the ``removed`` paths and return the new file.

        As ``edit_file``, with an edit that does not depend on the file.
        """
        return self.edit_file(relative, lambda _: FileEdit(values, removed))

    def edit_file(self, relative: str, compute_edit: Callable[[Document], FileEdit]) -> SourceFile:
        """Change a manifest by the edit that ``compute_edit`` returns for it; return the new file.

        The file is locked, so other writers do not change it meanwhile. All other ciphertext stays byte
        for byte, as do comments, layout and line ends, if the values have lines of their own. Raises
        DiagnosticError and leaves the file unchanged: KT226 if another program changed the file meanwhile,
        KT225 if the result differs from the request, KT209 if secrets are in plain text, the errors of
        sops, and those of ``compute_edit``.
        """
        with lock_for_writing(self.root, relative) as target:
            before = load_file(self.root, relative)
            document = parse_document(before.data, relative)
            if "sops" in document.tree:
                self._reject_unreachable_keys(document)
            edit = compute_edit(document)
            text = self._apply_edit(document, target, edit)
            self._verify_edit(document, text, edit)
            data = (_BYTE_ORDER_MARK if before.data.startswith(_BYTE_ORDER_MARK) else b"") + text.encode()
            target.replace(data, before.digest)
            return load_file(self.root, relative)

    def edit_document(self, document: Document, edit: FileEdit) -> str:
        """Return the text of a document after an edit; the file is not changed. Raises as ``edit_file``."""
        with lock_for_writing(self.root, document.file, new=True) as target:
            if "sops" in document.tree:
                self._reject_unreachable_keys(document)
            text = self._apply_edit(document, target, edit)
            self._verify_edit(document, text, edit)
            return text

    def read_secret(self, document: Document, path: FieldPath) -> Secret:
        """Decrypt one value of a document whose key servers are allowed; raises DiagnosticError."""
        self._reject_unreachable_keys(document)
        return self.sops.read_value(document, path)

    def create_file(
        self, relative: str, tree: Mapping[str, Any], head: str = "", *, replaced: str = ""
    ) -> SourceFile:
        """Create a file with its ``Secret`` leaves encrypted under a new data key; return the file.

        ``head`` is a comment at the start of the file. ``replaced`` is the SHA-256 of the file to replace.
        Raises DiagnosticError: KT229 if the file exists, KT226 if the replaced file changed meanwhile.
        """
        plain = {key: value for key, value in tree.items() if key != SECRETS_BLOCK}
        text = head + emit_block(plain)
        document = parse_document(text.encode(), relative)
        leaves: Mapping[FieldPath, object] = flatten_tree(tree)
        secret = {path: leaf for path, leaf in leaves.items() if isinstance(leaf, Secret)}
        if secret:
            text = self._append_secrets(document, secret)
            self._verify_edit(document, text, FileEdit(secret), may_be_unreadable=True)
        with lock_for_writing(self.root, relative, new=True) as target:
            if replaced:
                target.replace(text.encode(), replaced)
            else:
                target.create(text.encode())
            return load_file(self.root, relative)

    def _reject_unreachable_keys(self, document: Document) -> None:
        # sops sends requests to every key server in the file, so this check comes first.
        metadata = parse_metadata(document)
        errors = (
            tuple(check_key_servers(document, metadata, self.settings))
            if isinstance(metadata, SopsMetadata)
            else metadata
        )
        if errors:
            raise DiagnosticError(*errors)

    def _apply_edit(self, document: Document, target: AtomicFile, edit: FileEdit) -> str:
        if "sops" not in document.tree:
            return _remove_paths(self._edit_plain(document, edit.values), document, edit.removed)
        with target.create_private_copy(document.text.encode()) as copy:
            if edit.renew_data_key:
                self.sops.rotate_data_key(copy, document.file)
            return self._edit_encrypted(document, copy, edit.values, edit.removed)

    def _edit_encrypted(
        self,
        document: Document,
        copy: File,
        values: Mapping[FieldPath, ManifestValue],
        removed: Collection[FieldPath],
    ) -> str:
        for path, value in values.items():
            self.sops.set_value(copy, path, _encode_json(value), document.file)
        for path in removed:
            self.sops.unset_value(copy, path, document.file)
        written = parse_document(copy.read_bytes(), document.file)
        tokens = {
            path: _emit_token(document, path, leaf)
            for path in (*values, *_find_refreshed_paths(document, written))
            if (leaf := _value_at(written, path)) is not None
        }
        text = set_values(document, tokens)
        if removed and text is not None:
            text = _remove_paths(text, document, removed)
        if text is not None and is_equivalent(text, written):
            return text
        return _adopt_line_ends(written.text, document.text)

    def _edit_plain(self, document: Document, values: Mapping[FieldPath, ManifestValue]) -> str:
        plain = {
            path: _emit_token(document, path, value)
            for path, value in values.items()
            if not isinstance(value, Secret)
        }
        secret = {path: value for path, value in values.items() if isinstance(value, Secret)}
        text = set_values(document, plain)
        if text is None:
            raise DiagnosticError(_verification_error(document, next(iter(plain)), "has no line of its own"))
        return self._append_secrets(parse_document(text.encode(), document.file), secret) if secret else text

    def _append_secrets(self, document: Document, secret: Mapping[FieldPath, ManifestValue]) -> str:
        if SECRETS_BLOCK in document.tree:
            hint = "encrypt the file first: sops encrypt --in-place"
            origin = document.find_location((SECRETS_BLOCK,), key=True)
            message = "the secrets in this file are in plain text"
            raise DiagnosticError(
                error_diagnostic("KT209", origin, message, hint, cause=Cause.POSSIBLE_PLAINTEXT)
            )
        revealed = {path: value.reveal() for path, value in secret.items() if isinstance(value, Secret)}
        plain = emit_flow(dict(document.tree) | nest_fields(revealed)).encode()
        recipe = find_creation_rule(self.root, self.settings, document.file)
        written = parse_document(self.sops.encrypt(plain, recipe, document.file), document.file)
        _reject_uncovered_secrets(written, secret, recipe)
        line = written.spans[(SECRETS_BLOCK,)].key_line
        ending = _find_line_end(document.text)
        tail = ending.join(written.text.split("\n")[line - 1 :])
        # A kept block (|+) includes the empty lines at the end of the file.
        kept = _DOCUMENT_END.sub(ending, document.text)
        for head in (kept.rstrip() + ending, kept if kept.endswith("\n") else kept + ending):
            if is_equivalent(head + tail, written):
                return head + tail
        if "#" not in document.text:
            return _adopt_line_ends(written.text, document.text)
        message = "has no place for secrets: its comments and layout would be lost"
        raise DiagnosticError(_verification_error(document, (), message))

    def _verify_edit(
        self, before: Document, text: str, edit: FileEdit, *, may_be_unreadable: bool = False
    ) -> None:
        after = parse_document(text.encode(), before.file)
        errors = [
            error for error in check_encryption(after, self.settings) if error.severity is Severity.ERROR
        ]
        if errors:
            raise DiagnosticError(*errors)
        for path, leaf in flatten_tree(before.tree).items():
            expected = None if any(path[: len(prefix)] == prefix for prefix in edit.removed) else leaf
            is_reencrypted = edit.renew_data_key and path[0] == SECRETS_BLOCK and looks_encrypted(leaf)
            if path in edit.values or path[0] == "sops" or is_reencrypted:
                continue
            if _value_at(after, path) != expected:
                raise DiagnosticError(_verification_error(before, path, "changed, too"))
        try:
            opened = decrypt_document(after, self.decryptor) if "sops" in after.tree else {}
        except DiagnosticError as error:
            if may_be_unreadable and all(finding.cause in _KEY_CAUSES for finding in error.diagnostics):
                return
            raise
        expected_secrets = self._open_secrets(before) if edit.renew_data_key else {}
        for path, value in ({**expected_secrets, **edit.values}).items():
            if (opened.get(path) if isinstance(value, Secret) else _value_at(after, path)) != value:
                raise DiagnosticError(
                    _verification_error(before, path, "differs from the given value after writing")
                )

    def _open_secrets(self, document: Document) -> Mapping[FieldPath, Secret]:
        try:
            return decrypt_document(document, self.decryptor)
        except DiagnosticError:
            # A file with an error that the edit removes cannot be compared.
            return {}


def can_remove(document: Document, path: FieldPath) -> bool:
    """Tell whether a key can be removed from a manifest without another change."""
    text = remove_keys(document, (path,))
    return text is not None and _is_unchanged_except(text, document, (path,))


def _remove_paths(text: str, before: Document, removed: Collection[FieldPath]) -> str:
    if not removed:
        return text
    document = parse_document(text.encode(), before.file)
    shorter = remove_keys(document, removed)
    if shorter is None or not _is_unchanged_except(shorter, document, removed):
        raise DiagnosticError(
            _verification_error(before, next(iter(removed)), "shares its lines with another key")
        )
    return shorter


def _is_unchanged_except(text: str, document: Document, removed: Collection[FieldPath]) -> bool:
    try:
        after = flatten_tree(parse_document(text.encode(), document.file).tree)
    except DiagnosticError:
        return False
    stays = {
        path: leaf
        for path, leaf in flatten_tree(document.tree).items()
        if not any(path[: len(prefix)] == prefix for prefix in removed)
    }
    return json.dumps(list(after.items())) == json.dumps(list(stays.items()))


def _reject_uncovered_secrets(
    written: Document, secret: Mapping[FieldPath, ManifestValue], rule: CreationRule
) -> None:
    if all(looks_encrypted(_value_at(written, path)) for path in secret):
        return
    rules = rule.rules_file.name if rule.rules_file else "the recipients of policy"
    message = f"the rule for this file in {rules} does not encrypt secrets; the file is unchanged"
    hint = f"write `encrypted_regex: {SECRETS_SELECTOR}` into the rule"
    raise DiagnosticError(error_diagnostic("KT227", SourceLocation(written.file), message, hint))


def _value_at(document: Document, path: FieldPath) -> Any:
    here: Any = document.tree
    for key in path:
        if isinstance(here, list):
            here = here[int(key)] if key.isdecimal() and int(key) < len(here) else None
        else:
            here = here.get(key) if isinstance(here, dict) else None
    return here


def _find_refreshed_paths(before: Document, written: Document) -> Iterator[FieldPath]:
    for path in before.spans:
        old = _value_at(before, path)
        is_leaf = path[:1] != () and path[0] in _REFRESHED_BLOCKS and not isinstance(old, dict | list)
        if is_leaf and _value_at(written, path) != old:
            yield path


def _find_line_end(text: str) -> str:
    return "\r\n" if "\n" in text and text[: text.rindex("\n")].endswith("\r") else "\n"


def _adopt_line_ends(text: str, before: str) -> str:
    return text.replace("\n", "\r\n") if _find_line_end(before) == "\r\n" else text


def is_equivalent(text: str, written: Document) -> bool:
    """Tell whether a text has the values of a document in the same order, so that its MAC matches."""
    try:
        document = parse_document(text.encode(), written.file)
    except DiagnosticError:
        return False
    # The MAC covers the order of keys, which the comparison of dicts ignores.
    return json.dumps(_comparable_tree(document)) == json.dumps(_comparable_tree(written))


def _comparable_tree(document: Document) -> dict[str, Any]:
    return {key: value for key, value in document.tree.items() if key != "sops"} | {
        "sops": sorted(document.tree.get("sops", {}).items())
    }


def _emit_token(document: Document, path: FieldPath, value: Any) -> str:
    if isinstance(value, str) and fits_literal_block(value) and is_block_scalar(document, path):
        return value
    if not isinstance(value, list):
        return emit_scalar(value)
    if value and is_block_list(document, path):
        return "".join(
            f"- {emit_flow(item) if isinstance(item, dict | list) else emit_scalar(item)}\n" for item in value
        )
    line = emit_block({"_": value}).removeprefix("_: ").rstrip("\n")
    return emit_flow(value) if "\n" in line else line


def _encode_json(value: ManifestValue) -> bytes:
    return json.dumps(value.reveal() if isinstance(value, Secret) else value).encode()


def _verification_error(document: Document, path: FieldPath, what: str) -> Diagnostic:
    message = f"{mask_path(path)} {what}; the file is unchanged"
    hint = "run `keyturn doctor`, and report this if it finds no problem with sops"
    return error_diagnostic("KT225", document.find_location(path), message, hint)
