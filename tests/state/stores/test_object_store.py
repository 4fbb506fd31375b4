"""Store in a bucket: S3 on a real server, Google Cloud Storage and Azure on stand-ins.

If the emulator of Microsoft (``azurite-blob``) is on the PATH, the Azure tests also run on it.
Google Cloud Storage has no emulator for its XML API.
"""

import base64
import hashlib
import hmac
import json
import shutil
import socket
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.state.stores import open_store
from keyturn.state.stores.base import NO_ETAG, PreconditionFailed
from keyturn.state.stores.object_store import JOURNAL_PREFIX
from object_store_servers import ObjectStoreServer, run_object_store

AZURITE = shutil.which("azurite-blob")
PUBLISHED = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The documented default key of Azurite."""


def environment(cloud):
    """Return the environment for a stand-in."""
    if cloud.flavour == "az":
        key = base64.b64encode(b"key of the account").decode()
        return {
            "AZURE_STORAGE_ACCOUNT_NAME": "account",
            "AZURE_STORAGE_ACCOUNT_KEY": key,
            "AZURE_STORAGE_ENDPOINT": cloud.url,
        }
    account = {"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    return {"GOOGLE_BASE_URL": cloud.url, "GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(account)}


@pytest.fixture(params=["gs", "az"])
def cloud(request):
    """Return each stand-in in turn."""
    with run_object_store(request.param) as cloud:
        yield cloud


@pytest.fixture
def store(cloud, tmp_path):
    """Return a store on the stand-in."""
    return open_store(f"{cloud.flavour}://states/prod", tmp_path, environment(cloud))


def assert_conditional_writes(store):
    """Write, fail a condition, list, append and delete."""
    assert store.read("state.json") is None
    first = store.put("state.json", b"one", NO_ETAG)
    for stale in (NO_ETAG, '"0x0"\n99'):
        with pytest.raises(PreconditionFailed):
            store.put("state.json", b"other", stale)
    second = store.put("state.json", b"two", first)
    with pytest.raises(PreconditionFailed):
        store.put("state.json", b"three", first)
    with pytest.raises(PreconditionFailed):
        store.put("never made", b"x", first)
    assert (store.read("state.json").data, store.read("state.json").etag) == (b"two", second)
    log = store.open_log()
    for number in (1, 2, 3):
        log.append(number, [b"%d\n" % number])
    with pytest.raises(PreconditionFailed):
        store.open_log().append(3, [b"somebody else\n"])
    assert [line.data for line in log.read(0)] == [b"1\n", b"2\n", b"3\n"]
    assert [line.data for line in log.read(2)] == [b"2\n", b"3\n"]
    store.delete("state.json")
    store.delete("state.json")
    assert store.read("state.json") is None
    assert abs((store.current_time() - datetime.now(UTC)).total_seconds()) < 60


def test_conditional_writes_on_google_and_azure(store):
    """Google compares generations, Azure entity tags."""
    assert_conditional_writes(store)


def test_a_stand_in_ignores_the_conditions_of_the_other_service():
    """As the service does, it then writes without a condition."""
    google, azure = {"x-goog-if-generation-match": "0"}, {"if-none-match": "*"}
    for flavour, taken, passed in (("gs", google, azure), ("az", azure, google)):
        with run_object_store(flavour) as cloud:
            assert cloud.put("a", b"one", taken) == 1
            assert cloud.put("a", b"two", taken) is None
            assert cloud.put("a", b"two", passed) == 2


@pytest.mark.skipif(not AZURITE, reason="azurite-blob is not installed")
def test_conditional_writes_on_azurite(tmp_path):
    """The emulator of Microsoft."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ["--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck", "--silent"]
    command = [AZURITE, "--blobHost", "127.0.0.1", "--blobPort", str(port), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as emulator:
        try:
            while "successfully listen" not in emulator.stdout.readline():
                assert emulator.poll() is None
            base = f"http://127.0.0.1:{port}/devstoreaccount1"
            _make_container(base, "states")
            names = ("ACCOUNT_NAME", "ACCOUNT_KEY", "ENDPOINT")
            values = ("devstoreaccount1", PUBLISHED, base)
            settings = {f"AZURE_STORAGE_{name}": value for name, value in zip(names, values, strict=True)}
            assert_conditional_writes(open_store("az://states/prod", tmp_path, settings))
        finally:
            emulator.terminate()


def _make_container(base, name):
    date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    text = "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:2021-08-06\n"
    text += f"/devstoreaccount1/devstoreaccount1/{name}\nrestype:container"
    mac = hmac.digest(base64.b64decode(PUBLISHED), text.encode(), hashlib.sha256)
    headers = {
        "x-ms-date": date,
        "x-ms-version": "2021-08-06",
        "Content-Length": "0",
        "Authorization": f"SharedKey devstoreaccount1:{base64.b64encode(mac).decode()}",
    }
    request = urllib.request.Request(f"{base}/{name}?restype=container", method="PUT", headers=headers)  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        assert answer.status == 201


def test_conditional_writes_on_s3(bucket):
    """A real S3 server."""
    assert_conditional_writes(bucket)


def test_a_repeated_write_succeeds_after_a_lost_response(store, cloud):
    """The repeated request finds the object that the first one wrote."""
    cloud.lose_answers = 1
    first = store.put("lock.json", b"mine", NO_ETAG)
    cloud.lose_answers = 1
    assert store.put("lock.json", b"mine again", first) == store.read("lock.json").etag
    cloud.lose_answers = 1
    store.open_log().append(1, [b"one\n"])
    assert cloud.writes == 3


@pytest.mark.parametrize(("status", "code"), [(401, "KT605"), (403, "KT605"), (404, "KT609"), (400, "KT604")])
def test_error_responses_are_told_apart_by_their_fix(store, cloud, assert_refused, status, code):
    """Permissions, a missing bucket and others."""
    cloud.refuse_with = status
    with assert_refused(code) as found:
        store.put("a", b"x", NO_ETAG)
    assert found[0].origin.file == store.location
    if code != "KT609":
        with assert_refused(code):
            store.read("a")
        with assert_refused(code):
            store.current_time()


def test_a_deleted_object_fails_the_condition(store, cloud):
    """As a changed one does."""
    first = store.put("a", b"x", NO_ETAG)
    cloud.refuse_with = 404
    with pytest.raises(PreconditionFailed):
        store.put("a", b"y", first)


def test_a_missing_bucket_is_reported(assert_refused, tmp_path, s3):
    """Keyturn does not create it."""
    store = open_store("s3://no-such-bucket/prod", tmp_path, s3)
    with assert_refused("KT609"):
        store.put("a", b"x", NO_ETAG)
    with assert_refused("KT604") as found:
        list(store.open_log().read(0))
    assert "that it exists" in found[0].hint


def test_a_deleted_journal_object_is_reported(assert_refused, bucket):
    """A read of many objects fails if one is missing."""
    bucket.open_log().append(1, [b"one\n"])
    with assert_refused("KT609"):
        list(bucket.read_all((*bucket.list_keys(JOURNAL_PREFIX), "journal/000000000002.jsonl")))


READING = """
from pathlib import Path
from obstore.store import MemoryStore
from keyturn.state.stores import open_store
bucket = open_store("s3://states/prod", Path(), {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"})
bucket._objects = MemoryStore()
for number in range(64):
    bucket.open_log().append(number, [b"line\\n"])
assert len(list(bucket.open_log().read(0))) == 64
"""


def test_a_process_exits_normally_after_reading_many_objects():
    """No thread of the library is active at exit; it would abort the process."""
    command = [sys.executable, "-B", "-c", READING]
    ended = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(12)]
    assert [(*each.communicate(), each.returncode) for each in ended] == [(None, "", 0)] * 12


@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
def test_no_error_contains_a_credential(scheme, tmp_path, canary):
    """The text of the library's errors does."""
    secret = canary("ascii")
    settings = {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": secret,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9/",
        "GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps({"private_key": secret}),
        "AZURE_STORAGE_ACCOUNT_NAME": "account",
        "AZURE_STORAGE_SAS_TOKEN": f"?sv=2021&sig={secret}",
        "AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:9/",
    }
    with pytest.raises(DiagnosticError) as stopped:
        open_store(f"{scheme}://states/prod", tmp_path, settings).put("a", b"x", NO_ETAG)
    assert secret not in repr(stopped.value.diagnostics)
    assert stopped.value.__suppress_context__


def test_http_is_allowed_on_loopback_only(assert_refused, tmp_path, monkeypatch):
    """The environment of the process does not change that."""
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AZURE_ALLOW_HTTP", "true")
    monkeypatch.setenv("ALLOW_HTTP", "true")
    with ObjectStoreServer("az", host="127.0.0.2") as elsewhere:
        store = open_store("az://states/prod", tmp_path, environment(elsewhere))
        with assert_refused("KT604"):
            store.put("a", b"x", NO_ETAG)
        elsewhere.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.socket.accept()


def test_a_prefix_separates_workspaces(s3, tmp_path):
    """Even if one prefix starts with the other."""
    one, two = (open_store(f"s3://team-states/apart/{name}", tmp_path, s3) for name in ("prod", "prod-eu"))
    one.put("state.json", b"one", NO_ETAG)
    two.open_log().append(1, [b"x\n"])
    assert two.read("state.json") is None
    assert one.list_keys("") == ("state.json",)
    assert list(one.open_log().read(0)) == []
