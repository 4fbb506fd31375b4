"""Types: values are frozen, without a dictionary, and named where there are many."""

import ast
import re

from sources import modules

POSITIONAL_FIELDS = 3
MUTABLE = {
    "planasonix_emulator.testing.faults._ArmedFault",  # counts how often it was met
    "planasonix_emulator.testing.request_log.LoggedRequest",  # finished when the response is sent
}
"""Dataclasses that change in place, each with its reason beside it."""

SHARED = {
    "keyturn.operations.apply.context.Desk.entries": "dict[str, Known]",  # what the workers share, behind a lock
    "keyturn.operations.apply.context.Desk.ids": "dict[Address, str]",  # the same
    "keyturn.operations.apply.context.Desk.taken": "set[str]",  # the same
    "keyturn.operations.test_connections._Tester._failed": "dict[Address, list[Address]]",  # the same
    "keyturn.operations.plan.secret_loader.Opener._key": "list[bytes]",  # opened once, when it is first needed
    "keyturn.model.config_reader.Reading.faults": "list[Diagnostic]",  # collected while one document is read
}
"""Fields of frozen values that are filled later, each with its reason beside it."""

POSITIONAL = {
    "keyturn.cli.demo.scenario.DemoRunner",
    "keyturn.model.change.Exposure",
    "keyturn.model.change.FieldChange",
    "keyturn.model.resource.Lifecycle",
    "keyturn.operations.apply.rotate_replace.Replacement",
    "keyturn.model.results.ImportResult",
    "keyturn.operations.test_connections.ConnectionPair",
    "keyturn.operations.apply.connection_probe.ConnectionTest",
    "keyturn.sops.ciphertext.Ciphertext",
    "keyturn.files.discovery.SourceFile",
    "keyturn.sops.metadata.Recipient",
    "keyturn.yamldoc.reader.Document",
    "keyturn.yamldoc.reader.SourceSpan",
    "keyturn.manifests.seal.SealSubject",
    "keyturn.schema.alternatives.AlternativeMismatch",
    "keyturn.manifests.writer.ManifestWriter",
    "keyturn.views.diagnostics.masking.LinePiece",
    "planasonix_emulator.targets.connectors.Connector",
    "planasonix_emulator.targets.targets.LoginResult",
}
"""Dataclasses of more than three fields that are made by position all the same: take away, do not add."""


def dataclasses():
    """Yield every dataclass: its dotted name, its options and how many fields it has."""
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                for decorator in node.decorator_list:
                    call = decorator if isinstance(decorator, ast.Call) else None
                    name = call.func if call else decorator
                    if ast.unparse(name) in {"dataclass", "dataclasses.dataclass", "frozen"}:
                        words = call.keywords if call else []
                        options = {word.arg for word in words if ast.unparse(word.value) == "True"}
                        if ast.unparse(name) == "frozen":
                            options |= {"frozen", "slots"}
                        fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
                        yield f"{module.name}.{node.name}", options, len(fields)


def test_frozen_data_is_made_in_one_way():
    """Half of what a dataclass costs is not paid, and nobody forgets a word."""
    plain = {
        m.name
        for m in modules("keyturn")
        if re.search(r"^from dataclasses import .*\bdataclass\b", m.text, re.MULTILINE)
    }
    assert plain == {"keyturn.model.frozen"}


def test_dataclasses_are_frozen():
    """A value does not change in place, and has no dictionary to put things into."""
    loose = {name for name, options, _ in dataclasses() if not {"frozen", "slots"} <= options}
    assert loose == MUTABLE


def test_many_fields_are_named():
    """A value of more than three fields is made by name; a private class is made in one module alone."""
    found = {
        name
        for name, options, fields in dataclasses()
        if fields > POSITIONAL_FIELDS and "kw_only" not in options and "._" not in name
    }
    assert found == POSITIONAL


def test_no_mutable_collections_in_values():
    """Inside of a frozen value stand tuples and read-only mappings, not lists, dicts or sets."""
    found = {}
    for module in modules("keyturn"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and any(
                "frozen" in ast.unparse(each) for each in node.decorator_list
            ):
                for field in node.body:
                    if isinstance(field, ast.AnnAssign):
                        text = ast.unparse(field.annotation)
                        if text.split("[")[0] in {"list", "dict", "set"}:
                            found[f"{module.name}.{node.name}.{ast.unparse(field.target)}"] = text
    assert found == SHARED
