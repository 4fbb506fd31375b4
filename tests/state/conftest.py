"""Fixtures of the state: stores, entries and a clock."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from keyturn.model.address import Address
from keyturn.model.clock import RunClock
from keyturn.model.diagnostic import Diagnostic, DiagnosticError
from keyturn.model.resource import StateEntry
from keyturn.state.stores import open_store
from keyturn.state.stores.base import StateStore

BUCKET = "team-states"


class ManualClock:
    """A clock whose two times a test sets."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 9, 12, tzinfo=UTC)
        self.seconds = 1000.0

    def wait(self, seconds: float) -> None:
        """Advance both times."""
        self.moment += timedelta(seconds=seconds)
        self.seconds += seconds

    @property
    def clock(self) -> RunClock:
        """The clock as the state takes it."""
        return RunClock(lambda: self.moment, lambda: self.seconds)


@pytest.fixture
def manual_clock() -> ManualClock:
    """Return a clock that the test sets."""
    return ManualClock()


@pytest.fixture
def clock(manual_clock: ManualClock) -> RunClock:
    """Return the clock of ``manual_clock``."""
    return manual_clock.clock


@pytest.fixture
def folder(tmp_path: Path) -> StateStore:
    """Return a store in a folder that does not exist yet."""
    return open_store("file:.keyturn/prod", tmp_path, {})


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    """Return the environment for a real S3 server on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "tester",
        "AWS_SECRET_ACCESS_KEY": "canary-s3-secret-key",
        "AWS_REGION": "us-east-1",
    }
    client = boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id="tester",
        aws_secret_access_key="canary-s3-secret-key",
    )
    client.create_bucket(Bucket=BUCKET)
    client.close()
    yield environment
    server.stop()


@pytest.fixture
def bucket(s3: dict[str, str], tmp_path: Path) -> StateStore:
    """Return a store in a bucket of that server, with its own prefix."""
    return open_store(f"s3://{BUCKET}/{tmp_path.name}/prod", tmp_path, s3)


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest) -> StateStore:
    """Return each kind of store in turn."""
    found: StateStore = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def assert_refused() -> Callable[[str], AbstractContextManager[list[Diagnostic]]]:
    """Return a context that expects one diagnostic of a code, with message and hint, and yields it."""

    @contextmanager
    def expect(code: str) -> Iterator[list[Diagnostic]]:
        found: list[Diagnostic] = []
        with pytest.raises(DiagnosticError) as stopped:
            yield found
        found.extend(stopped.value.diagnostics)
        assert [finding.code for finding in found] == [code]
        assert all(finding.message and finding.hint for finding in found)

    return expect


@pytest.fixture
def known() -> Callable[..., StateEntry]:
    """Return a function that makes entries: ``known("credential/x", id="c1")``."""
    return make_known


def make_known(address: str = "credential/prod-x", **changes: object) -> StateEntry:
    """Return an entry with a value in every field."""
    fields = {("config", "host"): "db.acme.com", ("config", "port"): 5432}
    whole: dict[str, object] = {
        "address": Address.parse(address),
        "id": address.replace("/", "-"),
        "type": "database",
        "digest": "d" * 64,
        "applied": fields,
        "observed": {**fields, ("config", "port"): "5432"},
        "fingerprints": {("password",): "f" * 64},
        "updated_at": "2026-03-09T12:00:00Z",
        "earlier": (f"/password:{'e' * 64}",),
        "rotated_at": "2026-03-01T00:00:00Z",
        "commit": "c" * 40,
    }
    return StateEntry(**(whole | changes))  # type: ignore[arg-type]
