"""Policy settings and manifests for tests of policy rules."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from keyturn.model.address import Address, SourceLocation
from keyturn.model.config_reader import ConfigSection, parse_days
from keyturn.model.diagnostic import Diagnostic
from keyturn.model.fields import flatten_tree
from keyturn.model.resource import Lifecycle
from keyturn.model.secret import Secret
from keyturn.policy.manifest_index import ManifestIndex, build_manifest_index
from keyturn.policy.resource_view import ResourceView, Waiver
from keyturn.policy.rule import RuleContext
from keyturn.policy.runner import run_rules
from keyturn.policy.settings import PolicySettings, read_policy_settings
from keyturn.yamldoc.reader import Document, parse_document

TODAY = date(2026, 3, 1)

SETTINGS: Mapping[str, Any] = {
    "required_labels": ["environment", "system", "owner"],
    "environments": {"prod": {"prefix": "prod-"}, "staging": {"prefix": "staging-"}, "lab": {}},
    "recipients": {"manifests": ["age1example"]},
    "rotation": {"max_age": "90d"},
}


def make_settings(tree: Mapping[str, Any] | None = None) -> PolicySettings:
    """Return policy settings read from ``tree``; the default is ``SETTINGS``."""
    stated = SETTINGS if tree is None else tree
    section = ConfigSection(tree=stated, locate=lambda path: SourceLocation("keyturn.yaml", len(path) + 1, 1))
    read = read_policy_settings(section)
    section.raise_errors()
    return read


def make_view(text: str, **more: Any) -> ResourceView:
    """Return the view of a manifest; kind and name give its path."""
    named = parse_document(text.encode(), "-").tree
    file = more.pop("file", f"manifests/{named['kind']}s/{named['name']}.yaml")
    document = parse_document(text.encode(), file)
    tree = document.tree
    secrets = flatten_tree(tree.get("secrets", {}))
    fields = _resolve_references(flatten_tree({"config": tree.get("config", {})}) if "config" in tree else {})
    references = {path: leaf for path, leaf in fields.items() if isinstance(leaf, Address)}
    if "credential" in tree:
        references = {("credential",): Address("credential", tree["credential"]), **references}
    values = {
        "type": tree["type"],
        "config": fields,
        "labels": tree.get("labels", {}),
        "references": references,
        "secret_paths": tuple(secrets),
        "lifecycle": Lifecycle(max_age_days=parse_days(tree.get("rotation", {}).get("max_age", "")) or 0),
        "waivers": _read_waivers(document),
        "spans": document.spans,
        "ciphertext_digests": dict.fromkeys(secrets, "digest"),
        **more,
    }
    return ResourceView(address=Address(tree["kind"], tree["name"]), file=file, **values)


def make_index(*texts: str) -> ManifestIndex:
    """Return the index of manifests."""
    return build_manifest_index(map(make_view, texts))


def run_policy_rules(
    *subjects: ResourceView | str, policy: PolicySettings | None = None, **known: Any
) -> tuple[Diagnostic, ...]:
    """Return the diagnostics of all rules; ``known`` are further fields of the context."""
    ready = [one if isinstance(one, ResourceView) else make_view(one) for one in subjects]
    return run_rules(ready, policy or make_settings(), RuleContext(**{"today": TODAY, **known}))


def list_places(code: str, found: tuple[Diagnostic, ...]) -> list[str]:
    """Return the locations of ``code`` as ``name:line:column``, without folder and suffix."""
    return [
        str(finding.origin).rpartition("/")[2].replace(".yaml", "")
        for finding in found
        if finding.code == code
    ]


def make_decrypted_secrets(one: ResourceView, **values: str) -> dict[str, dict[tuple[str, ...], Secret]]:
    """Return decrypted secrets of ``one`` for a context; ``__`` in a name separates levels."""
    return {one.file: {tuple(name.split("__")): Secret(value) for name, value in values.items()}}


def _resolve_references(fields: dict[tuple[str, ...], Any]) -> dict[tuple[str, ...], Any]:
    return {
        path[:-1] if path[-1] == "ref" else path: Address.parse(leaf) if path[-1] == "ref" else leaf
        for path, leaf in fields.items()
    }


def _read_waivers(document: Document) -> tuple[Waiver, ...]:
    return tuple(
        Waiver(each["rule"], each["reason"], ("waive", str(number), "rule"))
        for number, each in enumerate(document.tree.get("waive", ()))
    )
