"""One emulated deployment: settings, clock, store, keys, faults, and the one way in which objects change."""

from collections.abc import Callable
from dataclasses import replace

from planasonix_emulator.access import Access
from planasonix_emulator.clock import Clock, stamp
from planasonix_emulator.faults import Faults
from planasonix_emulator.history import History
from planasonix_emulator.messages import Problem, absent
from planasonix_emulator.records import ACTIVE, CONNECTIONS, CREDENTIALS, DELETED, Ids, Record
from planasonix_emulator.settings import Settings
from planasonix_emulator.store import Store
from planasonix_emulator.targets import Targets
from planasonix_emulator.vault import Vault
from planasonix_emulator.witness import Witness

NOUNS = {CREDENTIALS: "credential", CONNECTIONS: "connection"}


class World:
    """Everything that a route may look at or change; used by one thread."""

    def __init__(self, settings: Settings, store: Store, vault: Vault) -> None:
        self.settings = settings
        self.store = store
        self.vault = vault
        self.clock = Clock()
        self.access = Access()
        self.faults = Faults()
        self.targets = Targets()
        self.witness = Witness()
        self.ids = Ids()
        self.histories = {CREDENTIALS: History(), CONNECTIONS: History()}
        self.intrusion: Callable[[], object] | None = None

    def between(self) -> None:
        """Let somebody else's edit happen, if a fault asks for one just here, within a write."""
        if self.intrusion is not None:
            intrusion, self.intrusion = self.intrusion, None
            intrusion()

    def forget(self) -> None:
        """Empty the deployment; keys, settings and targets stay."""
        self.store.clear()
        self.witness.forget()
        self.faults.replace(())
        self.histories = {CREDENTIALS: History(), CONNECTIONS: History()}

    def stamp(self, moment: int | None) -> str | None:
        """Write a moment as replies do."""
        return stamp(moment, self.settings.precision)

    def moment(self, previous: Record | None = None) -> int:
        """Return the time of a write, later than the object's last one at the precision of replies."""
        tick = self.settings.tick
        now = self.clock.now() // tick * tick
        return now if previous is None else max(now, (previous.updated_at // tick + 1) * tick)

    def secrets(self, record: Record) -> dict[str, object]:
        """Open the secrets of an object."""
        return self.vault.open(record.id, record.sealed)

    def found(self, collection: str, organization: str, identifier: str) -> Record:
        """Return an object of this organization, deleted or not; raises Problem 404."""
        record = self.store.find(collection, organization, identifier)
        if record is None or (collection == CONNECTIONS and not record.active):
            raise absent()
        return record

    def claim(self, record: Record) -> None:
        """Raise Problem unless the name of this object is free for it."""
        settings = self.settings
        if not settings.unique_names:
            return
        for other in self.store.named(record.collection, record.organization, record.name):
            reserved = other.collection == CREDENTIALS and not settings.delete_frees_name
            if other.id != record.id and (other.active or reserved):
                noun = NOUNS[record.collection]
                message = f"Another {noun} of this organization has the same name."
                raise Problem(settings.duplicate_status, "name_taken", message, (("name", "taken"),))

    def save(self, before: Record | None, after: Record) -> Record:
        """Keep an object, and remember what lagging lists still show and which secret met which place."""
        self.store.keep(after)
        self.histories[after.collection].note(after.id, before, self.clock.now())
        if after.active:
            self._note_pairs(after)
        return after

    def trash(self, record: Record) -> Record:
        """Mark an object as deleted now."""
        at = self.moment(record)
        return self.save(record, replace(record, status=DELETED, deleted_at=at, updated_at=at))

    def revive(self, record: Record) -> Record:
        """Take an object out of the trash; raises Problem when its name is taken meanwhile."""
        self.claim(record)
        return self.save(
            record, replace(record, status=ACTIVE, deleted_at=None, updated_at=self.moment(record))
        )

    def purge(self, record: Record) -> None:
        """Remove an object for good."""
        self.store.forget(record.id)
        self.histories[record.collection].note(record.id, record, self.clock.now())

    def _note_pairs(self, record: Record) -> None:
        if record.collection == CREDENTIALS:
            secrets = self.secrets(record)
            self.witness.pair(secrets, record.id, record.id, record.config)
            for user in self.store.users_of(record.id):
                self.witness.pair(secrets, record.id, user.id, user.config)
            return
        self.witness.pair(self.secrets(record), record.id, record.id, record.config)
        credential = self.store.find(CREDENTIALS, record.organization, record.credential_id or "")
        if credential is not None and credential.active:
            self.witness.pair(self.secrets(credential), credential.id, record.id, record.config)
