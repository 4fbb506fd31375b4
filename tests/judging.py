"""Short ways to put manifests before the rules of policy, with the places that a file gives them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from keyturn.core.address import Address, Origin
from keyturn.core.diagnostic import Diagnostic
from keyturn.core.fields import flatten
from keyturn.core.resource import Lifecycle
from keyturn.core.secret import Secret
from keyturn.load.nodes import Document, read
from keyturn.policy.fleet import Fleet, assemble
from keyturn.policy.judge import judge
from keyturn.policy.reading import days
from keyturn.policy.rule import Context
from keyturn.policy.settings import Settings, settings_from
from keyturn.policy.subject import Subject, Waiver

TODAY = date(2026, 3, 1)

SETTINGS: Mapping[str, Any] = {
    "required_labels": ["environment", "system", "owner"],
    "environments": {"prod": {"prefix": "prod-"}, "staging": {"prefix": "staging-"}, "lab": {}},
    "recipients": {"manifests": ["age1example"]},
    "rotation": {"max_age": "90d"},
}


def settings(tree: Mapping[str, Any] | None = None) -> Settings:
    """Return settings read from ``tree``, by default ones that a careful team would have."""
    stated = SETTINGS if tree is None else tree
    return settings_from(stated, lambda path: Origin("keyturn.yaml", len(path) + 1, 1))


def subject(text: str, **more: Any) -> Subject:
    """Return the manifest written as ``text``; it lies where its kind and name say."""
    named = read(text.encode(), "-").tree
    file = more.pop("file", f"manifests/{named['kind']}s/{named['name']}.yaml")
    document = read(text.encode(), file)
    tree = document.tree
    secrets = flatten(tree.get("secrets", {}))
    fields = _referring(flatten({"config": tree.get("config", {})}) if "config" in tree else {})
    references = {path: leaf for path, leaf in fields.items() if isinstance(leaf, Address)}
    if "credential" in tree:
        references = {("credential",): Address("credential", tree["credential"]), **references}
    values = {
        "type": tree["type"],
        "config": fields,
        "labels": tree.get("labels", {}),
        "references": references,
        "secret_paths": tuple(secrets),
        "lifecycle": Lifecycle(max_age_days=days(tree.get("rotation", {}).get("max_age", "")) or 0),
        "waivers": _waivers(document),
        "places": document.places,
        "ciphers": dict.fromkeys(secrets, "digest"),
        **more,
    }
    return Subject(address=Address(tree["kind"], tree["name"]), file=file, **values)


def fleet(*texts: str) -> Fleet:
    """Return the fleet of the manifests written as ``texts``."""
    return assemble(map(subject, texts))


def judged(*subjects: Subject | str, policy: Settings | None = None, **known: Any) -> tuple[Diagnostic, ...]:
    """Return what the rules find; ``known`` is what is known besides, ``today`` a fixed day."""
    ready = [one if isinstance(one, Subject) else subject(one) for one in subjects]
    return judge(ready, policy or settings(), Context(**{"today": TODAY, **known}))


def places(code: str, found: tuple[Diagnostic, ...]) -> list[str]:
    """Return where ``code`` was found: ``name:line:column``, the folder and suffix left out."""
    return [
        str(finding.origin).rpartition("/")[2].replace(".yaml", "")
        for finding in found
        if finding.code == code
    ]


def opened(one: Subject, **values: str) -> dict[str, dict[tuple[str, ...], Secret]]:
    """Return opened secrets for ``one``, as a context takes them; ``__`` in a name goes a level down."""
    return {one.file: {tuple(name.split("__")): Secret(value) for name, value in values.items()}}


def _referring(fields: dict[tuple[str, ...], Any]) -> dict[tuple[str, ...], Any]:
    return {
        path[:-1] if path[-1] == "ref" else path: Address.parse(leaf) if path[-1] == "ref" else leaf
        for path, leaf in fields.items()
    }


def _waivers(document: Document) -> tuple[Waiver, ...]:
    return tuple(
        Waiver(each["rule"], each["reason"], ("waive", str(number), "rule"))
        for number, each in enumerate(document.tree.get("waive", ()))
    )
