"""Drafts a manifest from a live object: plain fields by value, secrets as ``keep``."""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from msgspec import Struct

from keyturn.model.fields import format_path
from keyturn.model.resource import LiveObject
from keyturn.schema.definitions import SEAL_FIELD, config_fields, secret_fields
from keyturn.schema.validate import validate_manifest
from keyturn.yamldoc.reader import parse_document
from keyturn.yamldoc.scalars import emit_block

MAX_KEPT_SECRETS = 3
"""The maximum number of required secret fields of a credential variant."""


class ManifestDraft(Struct, frozen=True):
    """A valid manifest as tree and text, and the live fields that it omits."""

    tree: Mapping[str, Any]
    text: str
    omitted_fields: tuple[str, ...]


def draft_manifest(live: LiveObject, tree: Mapping[str, Any]) -> ManifestDraft | None:
    """Return the smallest valid manifest of a live object; None if the schema accepts none.

    ``tree`` is the manifest without ``keep``. The service does not show which secrets a credential
    has, so ``keep`` lists the smallest set that a variant requires.
    """
    config = dict(tree.get("config") or {})
    known = config_fields(live.address.kind, live.type)
    extra = [key for key in config if known and key not in known]
    for variant in _generate_variants(live, tree, extra):
        text = emit_block(variant)
        document = parse_document(text.encode(), f"{live.address.name}.yaml")
        if not validate_manifest(document, live.address.kind):
            return ManifestDraft(
                variant, text, tuple(f"config.{key}" for key in extra if key not in variant["config"])
            )
    return None


def _generate_variants(
    live: LiveObject, tree: Mapping[str, Any], extra: list[str]
) -> Iterator[dict[str, Any]]:
    if live.address.kind == "connection":
        yield dict(tree)
        yield {**tree, "undocumented": sorted(extra)}
    kept = {key: value for key, value in (tree.get("config") or {}).items() if key not in extra}
    for keep in _generate_keep_lists(live):
        yield {**tree, "config": kept, **({"keep": list(keep)} if keep else {})}


def _generate_keep_lists(live: LiveObject) -> Iterator[tuple[str, ...]]:
    if live.address.kind != "credential":
        yield ()
        return
    fields = tuple(field for field in secret_fields("credential", live.type) if field != SEAL_FIELD)
    visible = tuple(
        format_path(path[1:]) for path in live.secret_like_paths if format_path(path[1:]) in fields
    )
    if visible:
        yield visible
    for size in range(MAX_KEPT_SECRETS + 1):
        yield from combinations(fields, size)
