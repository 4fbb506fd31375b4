"""State shared by several machines on a real S3 server."""

import subprocess
import sys
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "team-states"


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    """A real S3 server on loopback, as the environment that leads to it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "tester-s3-key"}
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket=BUCKET)
    client.close()
    yield {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_REGION": "us-east-1", **keys}
    server.stop()


@pytest.fixture
def team(setup, canary, s3, request):
    """Return a setup whose state lies in a bucket, and the environment of a machine of the team."""
    setup.repo.project(state=f"s3://{BUCKET}/{request.node.name}")
    for number in range(4):
        setup.repo.credential(f"prod-db-{number}", {"password": canary()}, labels={"number": str(number)})
    return setup, setup.repo.environment(**s3)


def names(setup):
    """Return the names of all active credentials, repetitions included."""
    return sorted(
        each["name"] for each in setup.service.read_state()["credentials"] if each["status"] != "deleted"
    )


def test_a_second_checkout_sees_no_changes(team):
    """The state is in the bucket only."""
    setup, env = team
    done = setup.repo.keyturn("apply", "--auto-approve", env=env)
    assert done.code == 0, done.stdout + done.stderr
    assert not (setup.repo.root / ".keyturn/prod").exists()
    assert setup.repo.keyturn("plan", "--detailed-exitcode", env=env).code == 0
    assert "4 done" in setup.repo.keyturn("log", env=env).stdout
    assert setup.repo.keyturn("log", "--verify", env=env).code == 0


def test_concurrent_applies_create_no_duplicates(team):
    """One has the lock; the others name it and exit 4; a later run finds nothing to do."""
    setup, env = team
    crowd = [
        subprocess.Popen(
            [sys.executable, "-m", "keyturn", "apply", "--auto-approve"],
            cwd=setup.repo.root,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    ended = [(*each.communicate(timeout=120), each.returncode) for each in crowd]
    codes = sorted(code for *_, code in ended)
    assert set(codes) <= {0, 4}
    assert 0 in codes
    for _, stderr, code in ended:
        assert code == 0 or "holds the lock" in stderr
    assert names(setup) == [f"prod-db-{number}" for number in range(4)]
    assert setup.repo.keyturn("plan", "--detailed-exitcode", env=env).code == 0


def test_a_missing_bucket_is_an_error(team):
    """Nothing is written to the service if the state cannot be written."""
    setup, env = team
    setup.repo.project(state="s3://no-such-bucket/x")
    done = setup.repo.keyturn("apply", "--auto-approve", env=env)
    assert done.code == 1
    assert "KT6" in done.stderr
    assert names(setup) == []
