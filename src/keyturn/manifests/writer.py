"""Writes manifests with sops: edits a private copy, verifies it and renames it into place.

No plaintext of a secret is written to disk: it goes through a pipe, and the private copy has only
ciphertext. After a crash at any point, a file has the old or the new content.
"""

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path as File
from typing import Any, Final, TypeAlias

from msgspec import Struct

from keyturn.files.atomic_write import AtomicFile, lock_for_writing
from keyturn.files.discovery import SourceFile, load_file
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, Severity, error_diagnostic
from keyturn.model.fields import FieldPath, flatten_tree, format_path, nest_fields
from keyturn.model.secret import Secret
from keyturn.policy.settings import PolicySettings
from keyturn.sops.binary import SopsCommand
from keyturn.sops.checks import SECRETS_BLOCK, check_encryption, check_key_servers
from keyturn.sops.ciphertext import looks_encrypted
from keyturn.sops.decrypt import Decryptor, decrypt_document
from keyturn.sops.metadata import SopsMetadata, parse_metadata
from keyturn.sops.recipients import SECRETS_SELECTOR, CreationRule, find_creation_rule
from keyturn.yamldoc.edit import remove_keys, set_values
from keyturn.yamldoc.reader import Document, parse_document
from keyturn.yamldoc.scalars import emit_block, emit_flow, emit_scalar

ManifestValue: TypeAlias = Secret | str | int | float | bool | list[object] | None

_REFRESHED_PATHS: Final = (("sops", "lastmodified"), ("sops", "mac"))
_KEY_CAUSES: Final = frozenset({Cause.NO_KEY, Cause.WRONG_KEY})
_DOCUMENT_END: Final = re.compile(r"(?m)^\.\.\.[ \t]*\r?\n?(?=\s*\Z)")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


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

        A ``Secret`` belongs below ``secrets:``. All other ciphertext stays byte for byte, as do
        comments and layout if the values have lines of their own. Raises DiagnosticError and leaves
        the file unchanged: KT226 if the file changed meanwhile, KT225 if the result differs from the
        request, KT209 if secrets are in plain text, and the errors of sops.
        """
        with lock_for_writing(self.root, relative) as target:
            before = load_file(self.root, relative)
            document = parse_document(before.data, relative)
            if "sops" in document.tree:
                self._reject_unreachable_keys(document)
                text = self._edit_encrypted(document, target, values, removed)
            else:
                text = _remove_paths(self._edit_plain(document, values), document, removed)
            self._verify_edit(document, text, values, removed)
            data = (_BYTE_ORDER_MARK if before.data.startswith(_BYTE_ORDER_MARK) else b"") + text.encode()
            target.replace(data, before.digest)
            return load_file(self.root, relative)

    def create_file(self, relative: str, tree: Mapping[str, Any], head: str = "") -> SourceFile:
        """Create a manifest with its ``Secret`` leaves encrypted; return the file.

        ``head`` is a comment at the start of the file. Raises DiagnosticError; KT229 if the file exists.
        """
        plain = {key: value for key, value in tree.items() if key != SECRETS_BLOCK}
        text = head + emit_block(plain)
        document = parse_document(text.encode(), relative)
        leaves: Mapping[FieldPath, object] = flatten_tree(tree)
        secret = {path: leaf for path, leaf in leaves.items() if isinstance(leaf, Secret)}
        if secret:
            text = self._append_secrets(document, secret)
            self._verify_edit(document, text, secret, may_be_unreadable=True)
        with lock_for_writing(self.root, relative, new=True) as target:
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

    def _edit_encrypted(
        self,
        document: Document,
        target: AtomicFile,
        values: Mapping[FieldPath, ManifestValue],
        removed: Collection[FieldPath],
    ) -> str:
        with target.create_private_copy(document.text.encode()) as copy:
            for path, value in values.items():
                self.sops.set_value(copy, path, _encode_json(value), document.file)
            for path in removed:
                self.sops.unset_value(copy, path, document.file)
            written = parse_document(copy.read_bytes(), document.file)
        tokens = {
            path: _emit_token(leaf)
            for path in (*values, *_REFRESHED_PATHS)
            if (leaf := _value_at(written, path)) is not None
        }
        text = set_values(document, tokens)
        if removed and text is not None:
            text = _remove_paths(text, document, removed)
        return text if text is not None and _is_equivalent(text, written) else written.text

    def _edit_plain(self, document: Document, values: Mapping[FieldPath, ManifestValue]) -> str:
        plain = {path: _emit_token(value) for path, value in values.items() if not isinstance(value, Secret)}
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
        ending = "\r\n" if "\r\n" in document.text else "\n"
        tail = ending.join(written.text.split("\n")[line - 1 :])
        # A kept block (|+) includes the empty lines at the end of the file.
        kept = _DOCUMENT_END.sub(ending, document.text)
        for head in (kept.rstrip() + ending, kept if kept.endswith("\n") else kept + ending):
            if _is_equivalent(head + tail, written):
                return head + tail
        if "#" not in document.text:
            return written.text
        message = "has no place for secrets: its comments and layout would be lost"
        raise DiagnosticError(_verification_error(document, (), message))

    def _verify_edit(
        self,
        before: Document,
        text: str,
        values: Mapping[FieldPath, ManifestValue],
        removed: Collection[FieldPath] = (),
        *,
        may_be_unreadable: bool = False,
    ) -> None:
        after = parse_document(text.encode(), before.file)
        errors = [
            error for error in check_encryption(after, self.settings) if error.severity is Severity.ERROR
        ]
        if errors:
            raise DiagnosticError(*errors)
        for path, leaf in flatten_tree(before.tree).items():
            expected = None if any(path[: len(prefix)] == prefix for prefix in removed) else leaf
            if path not in values and path[0] != "sops" and _value_at(after, path) != expected:
                raise DiagnosticError(_verification_error(before, path, "changed, too"))
        try:
            opened = decrypt_document(after, self.decryptor) if "sops" in after.tree else {}
        except DiagnosticError as error:
            if may_be_unreadable and all(finding.cause in _KEY_CAUSES for finding in error.diagnostics):
                return
            raise
        for path, value in values.items():
            if (opened.get(path) if isinstance(value, Secret) else _value_at(after, path)) != value:
                raise DiagnosticError(
                    _verification_error(before, path, "differs from the given value after writing")
                )


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
        here = here.get(key) if isinstance(here, dict) else None
    return here


def _is_equivalent(text: str, written: Document) -> bool:
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


def _emit_token(value: Any) -> str:
    if not isinstance(value, list):
        return emit_scalar(value)
    line = emit_block({"_": value}).removeprefix("_: ").rstrip("\n")
    return emit_flow(value) if "\n" in line else line


def _encode_json(value: ManifestValue) -> bytes:
    return json.dumps(value.reveal() if isinstance(value, Secret) else value).encode()


def _verification_error(document: Document, path: FieldPath, what: str) -> Diagnostic:
    message = f"{format_path(path)} {what}; the file is unchanged"
    hint = "run `keyturn doctor`, and report this if it finds no problem with sops"
    return error_diagnostic("KT225", document.find_location(path), message, hint)
