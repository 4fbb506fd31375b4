"""The HTTP server: uvicorn with httptools on loopback, and an emulator in a thread of this process."""

import asyncio
import logging
import secrets
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from planasonix_emulator.app import EmulatorApp
from planasonix_emulator.deployment import Deployment
from planasonix_emulator.http.connection import TRANSPORT
from planasonix_emulator.settings import EmulatorSettings, SettingsError, change_settings
from planasonix_emulator.storage.secrets import SecretCipher, generate_key, load_key
from planasonix_emulator.storage.store import RecordStore
from planasonix_emulator.targets.targets import SimulatedTarget
from planasonix_emulator.testing.control_client import ControlClient
from planasonix_emulator.testing.faults import Fault

IN_MEMORY = ":memory:"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorOptions:
    """The start options; by default the key of a database is in a file beside it.

    The emulator generates the API key and the token of the control API if they are empty.
    """

    port: int = 0
    database: str = IN_MEMORY
    encryption_key: Path | None = None
    organization: str = "org_01HEMULATED"
    key: str = ""
    control: str = ""
    targets: tuple[SimulatedTarget, ...] = ()
    faults: tuple[Fault, ...] = ()


class _Protocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.access_log = False
        self.app_state = {**self.app_state, TRANSPORT: transport}


class EmulatorServer(uvicorn.Server):
    """Serve an ASGI application until `stop`, which closes the open connections."""

    def __init__(self, app: EmulatorApp) -> None:
        config = uvicorn.Config(
            app,
            http=_Protocol,
            loop="asyncio",
            lifespan="off",
            ws="none",
            interface="asgi3",
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=300,
            backlog=1024,
        )
        super().__init__(config)
        self._stopped = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait for `stop`, without a periodic timer."""
        await self._stopped.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listening sockets and reset the open connections."""
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        for connection in list(self.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)

    def stop(self) -> None:
        """Stop the server; call this in its event loop."""
        self._stopped.set()


class Emulator(ControlClient):
    """A running emulator in this process, with the methods of its control API.

    Use it as a context manager, or call `stop`. `base_url`, `key` (an API key), `organization` and `token`
    (of the control API) are what clients need.
    """

    def __init__(self, options: EmulatorOptions, settings: EmulatorSettings) -> None:
        self.organization = options.organization
        self.key = options.key or "plnx_test_" + secrets.token_hex(16)
        self.deployment = open_deployment(options, settings)
        self.deployment.keys.accept_key(self.key, options.organization)
        token = options.control or secrets.token_hex(16)
        self.app = EmulatorApp(self.deployment, token)
        self.app.faults.replace_faults(options.faults)
        try:
            listening = bind_socket("127.0.0.1", options.port)
        except (OSError, OverflowError):
            self.deployment.store.close()
            raise
        super().__init__(f"http://127.0.0.1:{listening.getsockname()[1]}", token)
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._server: EmulatorServer | None = None
        self._thread = threading.Thread(target=self._run_loop, args=(listening,), daemon=True)
        self._thread.start()
        self._ready.wait()

    @classmethod
    def start(cls, settings: EmulatorSettings | None = None, **options: object) -> Self:
        """Start an emulator; the keyword arguments are fields of EmulatorOptions or of EmulatorSettings.

        Raises SettingsError, or OSError if the port is in use.
        """
        names = [name for name in options if name in EmulatorOptions.__slots__]
        start_options = EmulatorOptions(**{name: options.pop(name) for name in names})  # type: ignore[arg-type]
        return cls(start_options, change_settings(settings or EmulatorSettings(), options))

    def stop(self) -> None:
        """Stop the server, reset its connections, close the database; later calls do nothing."""
        super().close()
        if self._thread.is_alive() and self._server is not None:
            self._loop.call_soon_threadsafe(self._server.stop)
            self._thread.join()
            self.deployment.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run_loop(self, listening: socket.socket) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve_socket(listening))

    async def _serve_socket(self, listening: socket.socket) -> None:
        self._server = EmulatorServer(self.app)
        asyncio.get_running_loop().call_soon(self._ready.set)
        await self._server.serve(sockets=[listening])


def bind_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 selects a free port."""
    listening = socket.create_server((host, port), backlog=1024, reuse_port=False)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def open_deployment(options: EmulatorOptions, settings: EmulatorSettings) -> Deployment:
    """Open the database of a deployment; raises SettingsError if it has another encryption key."""
    if options.encryption_key is not None:
        cipher = SecretCipher(load_key(options.encryption_key))
    elif options.database == IN_MEMORY:
        cipher = SecretCipher(generate_key())
    else:
        cipher = SecretCipher(load_key(Path(options.database + ".key")))
    store = RecordStore(options.database)
    if not cipher.is_own_proof(store.load_proof(cipher.make_proof())):
        store.close()
        raise SettingsError(of="encryption key", issue="is not the key of this database")
    deployment = Deployment(settings, store, cipher)
    deployment.targets.replace_targets(options.targets)
    return deployment
