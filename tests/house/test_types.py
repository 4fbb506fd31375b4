"""Types: values are frozen, without a dictionary, and named where there are many."""

import ast
import re

from sources import list_modules

POSITIONAL_FIELDS = 3
SHARED = {
    "keyturn.operations.apply.context.ApplyContext.entries": "dict[str, StateEntry]",
    "keyturn.operations.apply.context.ApplyContext.ids": "dict[Address, str]",
    "keyturn.operations.apply.context.ApplyContext.taken_ids": "set[str]",
    "keyturn.operations.test_connections._ConnectionTester._failed_logins": "dict[Address, list[Address]]",
    "keyturn.operations.plan.secret_loader.SecretLoader._root_keys": "list[bytes]",
    "keyturn.model.config_reader.ConfigSection.errors": "list[Diagnostic]",
}
"""Fields of frozen values that are filled later: behind a lock, or while one document is read."""

POSITIONAL = {
    "keyturn.cli.demo.scenario.DemoRunner",
    "keyturn.model.change.Exposure",
    "keyturn.model.change.FieldChange",
    "keyturn.model.resource.Lifecycle",
    "keyturn.model.results.ImportResult",
    "keyturn.operations.test_connections.ConnectionPair",
    "keyturn.sops.ciphertext.Ciphertext",
    "keyturn.files.discovery.SourceFile",
    "keyturn.sops.metadata.Recipient",
    "keyturn.yamldoc.reader.Document",
    "keyturn.yamldoc.reader.SourceSpan",
    "keyturn.manifests.seal.SealSubject",
    "keyturn.schema.alternatives.AlternativeMismatch",
    "keyturn.manifests.writer.ManifestWriter",
    "keyturn.views.diagnostics.masking.LinePiece",
}
"""Dataclasses of more than three fields that are made by position all the same: take away, do not add."""


def structs():
    """Yield each class of data: its dotted name, its keywords, and its fields with their annotations."""
    for module in list_modules("keyturn"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Struct" for base in node.bases):
                options = {word.arg for word in node.keywords if ast.unparse(word.value) == "True"}
                fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
                yield f"{module.name}.{node.name}", options, fields


def test_data_is_made_in_one_way():
    """Data is a msgspec.Struct; keyturn has no dataclass and no named tuple."""
    found = [m.name for m in list_modules("keyturn") if re.search(r"\b(dataclass|NamedTuple)\b", m.text)]
    assert found == []


def test_data_is_frozen():
    """A value does not change in place."""
    assert [name for name, options, _ in structs() if "frozen" not in options] == []


def test_many_fields_are_named():
    """A value of more than three fields is made by name; a private class is made in one module alone."""
    found = {
        name
        for name, options, fields in structs()
        if len(fields) > POSITIONAL_FIELDS and "kw_only" not in options and "._" not in name
    }
    assert found <= POSITIONAL, sorted(found - POSITIONAL)
    assert found >= POSITIONAL, sorted(POSITIONAL - found)


def test_no_mutable_collections_in_values():
    """A frozen value holds tuples and read-only mappings, not lists, dicts or sets."""
    found = {
        f"{name}.{ast.unparse(field.target)}": ast.unparse(field.annotation)
        for name, _, fields in structs()
        if not name.rpartition(".")[2].startswith(
            "Stored"
        )  # JSON objects that are decoded and converted at once
        for field in fields
        if ast.unparse(field.annotation).split("[")[0] in {"list", "dict", "set"}
    }
    assert found == SHARED
