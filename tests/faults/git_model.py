"""A model of the manifests in git, without files."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from faults.scenarios import HOST
from keyturn.model.address import Address, SourceLocation
from keyturn.model.resource import DesiredResource, Lifecycle
from keyturn.model.secret import Secret

NAMES: Mapping[str, tuple[str, ...]] = {
    "credential": ("c-a", "c-b", "c-c", "c-d"),
    "connection": ("n-a", "n-b", "n-c"),
}
"""The names of all manifests."""

STRATEGIES = ("verify", "replace", "in_place")
PASSWORD = ("password",)
CREDENTIAL = ("credential",)


def sealed(desired: DesiredResource) -> DesiredResource:
    """Return a manifest with the digest of its content."""
    said = (
        desired.address,
        sorted(desired.fields.items(), key=str),
        desired.ciphertext_digests,
        desired.kept_secrets,
    )
    digest = hashlib.sha256(repr((said, desired.lifecycle)).encode()).hexdigest()
    return replace(desired, digest=digest, origin=SourceLocation(f"{desired.address.name}.yaml"))


def live_holders(desired: DesiredResource, **words: Any) -> DesiredResource:
    """Return a manifest with other lifecycle settings."""
    return sealed(replace(desired, lifecycle=replace(desired.lifecycle, **words)))


@dataclass
class GitModel:
    """Manifests by address: current ones, removed ones, and all that ever existed.

    ``category`` is set in every connection if the service requires it.
    """

    mint: Callable[[str], str]
    category: str = ""
    now: dict[Address, DesiredResource] = field(default_factory=dict)
    gone: dict[Address, DesiredResource] = field(default_factory=dict)
    ever: list[DesiredResource] = field(default_factory=list)

    def put(self, desired: DesiredResource) -> None:
        """Write a manifest; other manifests lose a ``moved_from`` of this name."""
        here = desired.address
        for address, other in list(self.now.items()):
            if address.kind == here.kind and address != here and other.lifecycle.moved_from == here.name:
                self.now[address] = live_holders(other, moved_from="")
        before = desired.lifecycle.moved_from
        others = [each for one, each in self.now.items() if one.kind == here.kind and one != here]
        taken = {name for each in others for name in (each.address.name, each.lifecycle.moved_from)}
        self.now[here] = live_holders(desired, moved_from="") if before in taken else sealed(desired)
        self.gone.pop(here, None)
        self.ever.append(self.now[here])

    def credential(self, name: str, user: str, secret: str, strategy: str = "") -> None:
        """Write a credential; its lifecycle stays except for the strategy.

        Each has a distinct content, so that no other counts as a rename of it.
        """
        address = Address("credential", name)
        old = self.now.get(address)
        life = old.lifecycle if old else Lifecycle()
        birth = old.fields["config", "database"] if old else f"{len(self.ever)}"
        fields = {**HOST, "engine": "postgresql", "username": user, "database": birth}
        self.put(
            DesiredResource(
                address=address,
                type="database",
                fields={("config", key): leaf for key, leaf in fields.items()},
                digest="",
                origin=SourceLocation(name),
                lifecycle=replace(life, strategy=strategy or life.strategy),
                **self._secret(name, secret),
            )
        )

    def _secret(self, name: str, label: str) -> dict[str, Any]:
        value = self.mint(f"{name} {label}")
        cipher = hashlib.sha256(f"{name} {label}".encode()).hexdigest()
        return {
            "secrets": {PASSWORD: Secret(value)},
            "ciphertext_digests": {PASSWORD: cipher},
            "kept_secrets": (),
        }

    def set_secret_label(self, address: Address, label: str) -> None:
        """Write another secret into a credential."""
        self.put(replace(self.now[address], **self._secret(address.name, label)))

    def connection(self, name: str, base: str, uses: Address) -> None:
        """Write a connection."""
        address = Address("connection", name)
        old = self.now.get(address)
        birth = str(old.fields["config", "database"]).partition("-")[0] if old else f"{len(self.ever)}"
        fields = {**HOST, "database": f"{birth}-{base}"}
        self.put(
            DesiredResource(
                address=address,
                type="postgres",
                fields={
                    **{("config", key): leaf for key, leaf in fields.items()},
                    CREDENTIAL: uses,
                    **({("category",): self.category} if self.category else {}),
                },
                secrets={},
                ciphertext_digests={},
                digest="",
                origin=SourceLocation(name),
                lifecycle=old.lifecycle if old else Lifecycle(),
            )
        )

    def remove(self, address: Address) -> None:
        """Remove a manifest and those that refer to it."""
        for one in [one for one, each in self.now.items() if address in (one, *each.fields.values())]:
            self.gone[one] = self.now.pop(one)

    def bring_back(self, address: Address) -> None:
        """Write a removed manifest again if its references exist."""
        desired = self.gone[address]
        if all(leaf in self.now for leaf in desired.fields.values() if isinstance(leaf, Address)):
            self.put(desired)

    def rename(self, address: Address, name: str, known: Collection[Address]) -> None:
        """Rename a manifest and update references; ``known`` are the applied addresses."""
        old, new = self.now.pop(address), Address(address.kind, name)
        source = address.name if address in known else old.lifecycle.moved_from
        self.put(live_holders(replace(old, address=new), moved_from="" if source == name else source))
        for one, each in list(self.now.items()):
            if address in each.fields.values():
                fields = {path: new if leaf == address else leaf for path, leaf in each.fields.items()}
                self.now[one] = sealed(replace(each, fields=fields))

    def protect(self, address: Address, *, protect: bool) -> None:
        """Set ``protect`` of a manifest."""
        self.put(live_holders(self.now[address], protect=protect))

    def relent(self, address: Address) -> None:
        """Write the manifest of a protected resource again without ``protect``."""
        claims = [each for each in self.gone.values() if each.lifecycle.moved_from == address.name]
        found = self.gone.get(address) or next((c for c in claims if c.address.kind == address.kind), None)
        if found and found.address not in self.now:
            self.put(live_holders(found, protect=False))
        elif address.kind == "credential":
            self.credential(address.name, "p", "x")
        self._repair_connection(address.name)

    def _repair_connection(self, name: str) -> None:
        address = Address("connection", name)
        uses = self.now[address].fields[CREDENTIAL] if address in self.now else None
        if address not in self.now or uses not in self.now:
            if not self.named("credential"):
                self.credential("c-a", "p", "x")
            self.connection(name, "p", self.named("credential")[0])
            self.put(live_holders(self.now[address], protect=False))

    def reword(self, address: Address, word: str) -> None:
        """Change a plain field of a manifest."""
        old = self.now[address]
        if address.kind == "credential":
            fields = {**old.fields, ("config", "username"): word}
        else:
            birth = str(old.fields["config", "database"]).partition("-")[0]
            fields = {**old.fields, ("config", "database"): f"{birth}-{word}"}
        self.put(replace(old, fields=fields))

    def strategy(self, address: Address, strategy: str) -> None:
        """Set the rotation strategy of a credential."""
        self.put(live_holders(self.now[address], strategy=strategy))

    def keep(self, address: Address) -> None:
        """Let a credential keep its live secret."""
        self.now[address] = sealed(
            replace(self.now[address], secrets={}, ciphertext_digests={}, kept_secrets=(PASSWORD,)),
        )

    def named(self, kind: str) -> list[Address]:
        """Return the addresses of a kind, sorted."""
        return sorted(each for each in self.now if each.kind == kind)

    def free(self, kind: str) -> list[str]:
        """Return the unused names of a kind."""
        left = {each.lifecycle.moved_from for one, each in self.now.items() if one.kind == kind}
        return [name for name in NAMES[kind] if name not in left and Address(kind, name) not in self.now]
