"""The emulator within the present process: a server in a thread, on loopback."""

import asyncio
import logging
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from planasonix_emulator.app import App
from planasonix_emulator.faults import Fault
from planasonix_emulator.listener import Listener, bound
from planasonix_emulator.remote import Remote
from planasonix_emulator.settings import Settings, SettingsError, changed
from planasonix_emulator.store import Store
from planasonix_emulator.targets import Target
from planasonix_emulator.vault import Vault, fresh_key, key_beside
from planasonix_emulator.world import World

MEMORY = ":memory:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an emulator starts from; the database's key lies beside it unless a file is named.

    Without an API key or a token for the side channel, the emulator makes them up.
    """

    port: int = 0
    database: str = MEMORY
    encryption_key: Path | None = None
    organization: str = "org_01HEMULATED"
    key: str = ""
    control: str = ""
    targets: tuple[Target, ...] = ()
    faults: tuple[Fault, ...] = ()


class Emulator(Remote):
    """A running emulator, and everything that its side channel can do.

    Use it as a context manager, or call `stop`. `base_url`, `key` (an API key), `organization` and `token`
    (of the side channel) tell how to reach it.
    """

    def __init__(self, setup: Setup, settings: Settings) -> None:
        self.organization = setup.organization
        self.key = setup.key or "plnx_test_" + secrets.token_hex(16)
        self.world = opened(setup, settings)
        self.world.access.admit(self.key, setup.organization)
        token = setup.control or secrets.token_hex(16)
        try:
            socket = bound("127.0.0.1", setup.port)
        except (OSError, OverflowError):
            self.world.store.close()
            raise
        super().__init__(f"http://127.0.0.1:{socket.getsockname()[1]}", token)
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._listener: Listener | None = None
        self._thread = threading.Thread(target=self._run, args=(App(self.world, token), socket), daemon=True)
        self._thread.start()
        self._ready.wait()

    @classmethod
    def start(cls, settings: Settings | None = None, **options: Any) -> Self:
        """Start an emulator; options are fields of Setup, or of Settings to change.

        Raises SettingsError, or OSError when the port is taken.
        """
        mine = {name: options.pop(name) for name in list(options) if name in Setup.__slots__}
        return cls(Setup(**mine), changed(settings or Settings(), options))

    def stop(self) -> None:
        """End the server, break its connections, close the database; again does nothing."""
        super().close()
        if self._thread.is_alive() and self._listener is not None:
            self._loop.call_soon_threadsafe(self._listener.stop)
            self._thread.join()
            self.world.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, app: App, socket: Any) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(app, socket))

    async def _serve(self, app: App, socket: Any) -> None:
        self._listener = Listener(app)
        asyncio.get_running_loop().call_soon(self._ready.set)
        await self._listener.serve(sockets=[socket])


def opened(setup: Setup, settings: Settings) -> World:
    """Return the deployment that a setup describes; raises SettingsError for another database's key."""
    if setup.encryption_key is not None:
        vault = Vault(key_beside(setup.encryption_key))
    elif setup.database == MEMORY:
        vault = Vault(fresh_key())
    else:
        vault = Vault(key_beside(Path(setup.database + ".key")))
    store = Store(setup.database)
    if not vault.fits(store.proof(vault.proof())):
        store.close()
        raise SettingsError(of="encryption key", issue="is not the one of this database")
    world = World(settings, store, vault)
    world.targets.replace(setup.targets)
    world.faults.replace(setup.faults)
    return world
