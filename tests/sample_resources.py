"""Desired resources, state entries and live objects for tests of planning."""

from collections.abc import Mapping
from typing import Any

from keyturn.model.address import Address, SourceLocation
from keyturn.model.fields import flatten_tree
from keyturn.model.resource import DesiredResource, EncryptedSecret, Lifecycle, LiveObject, StateEntry
from keyturn.model.secret import Secret
from keyturn.planning.inputs import PlanInputs


def credential_address(name: str) -> Address:
    """Return the address of a credential."""
    return Address("credential", name)


def connection_address(name: str) -> Address:
    """Return the address of a connection."""
    return Address("connection", name)


def make_fingerprints(secrets: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Return fake fingerprints: the reversed values."""
    return {(field,): value[::-1] for field, value in secrets.items()}


def make_desired(address: Address, config: Mapping[str, Any] | None = None, **more: Any) -> DesiredResource:
    """Return a manifest; ``secrets`` are text, decrypted unless ``opened=False``."""
    secrets: Mapping[str, str] = more.pop("secrets", {})
    opened = more.pop("opened", True)
    uses = more.pop("uses", "")
    fields = flatten_tree({"config": dict(config or {"host": "db.example.com"})})
    if uses:
        fields = {("credential",): credential_address(uses), **fields}
    lifecycle = Lifecycle(
        **{key: more.pop(key) for key in ("moved_from", "protect", "strategy") if key in more}
    )
    values = {
        "type": "database" if address.kind == "credential" else "postgres",
        "digest": "d1",
        "origin": SourceLocation(f"manifests/{address.kind}s/{address.name}.yaml"),
        "destination_paths": frozenset({("config", "host")}),
        **more,
    }
    return DesiredResource(
        address=address,
        fields=fields,
        secrets={
            (key,): Secret(value) if opened else EncryptedSecret("c" + key) for key, value in secrets.items()
        },
        ciphertext_digests={(key,): "c" + key for key in secrets},
        lifecycle=lifecycle,
        **values,
    )


def is_decrypted(desired: DesiredResource) -> bool:
    """Tell whether every secret of a manifest is decrypted."""
    return all(isinstance(value, Secret) for value in desired.secrets.values())


def make_state_entry(
    desired: DesiredResource, identity: str, secrets: Mapping[str, str] | None = None, **more: Any
) -> StateEntry:
    """Return the state entry after ``desired`` was applied as object ``identity``."""
    values = {
        "digest": desired.digest,
        "applied": desired.fields,
        "observed": {path: _observe_leaf(leaf) for path, leaf in desired.fields.items()},
        "fingerprints": make_fingerprints(secrets or {}),
        "updated_at": "2026-01-01T00:00:00Z",
        **more,
    }
    return StateEntry(address=desired.address, id=identity, type=desired.type, **values)


def _observe_leaf(leaf: Any) -> Any:
    return f"id-{leaf.name}" if isinstance(leaf, Address) else leaf


def make_live_object(known: StateEntry, **more: Any) -> LiveObject:
    """Return the live object of a state entry; ``more`` replaces fields."""
    values = {
        "fields": known.observed,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": known.updated_at,
        **more,
    }
    address = values.pop("address", known.address)
    type_ = values.pop("type", known.type)
    return LiveObject(address=address, id=known.id, type=type_, **values)


def make_inputs(*resources: Any, fingerprints: Mapping[Address, Any] | None = None) -> PlanInputs:
    """Return plan inputs from manifests, state entries and live objects in any order."""
    return PlanInputs(
        desired={each.address: each for each in resources if isinstance(each, DesiredResource)},
        entries={each.address: each for each in resources if isinstance(each, StateEntry)},
        live={each.id: each for each in resources if isinstance(each, LiveObject)},
        fingerprints=fingerprints or {},
    )
