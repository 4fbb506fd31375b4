"""Seals are judged with the public key of the workspace."""

import pytest
from msgspec.structs import replace

from keyturn.manifests.connection_seal import sign_connection
from keyturn.operations.plan.seal_approval import judge_seals
from keyturn.planning.diff import compute_changes
from keyturn.project.workspace_key import SealAuthor, WorkspaceKey
from keyturn.trust.signing import SigningKey
from sample_resources import (
    connection_address,
    credential_address,
    make_desired,
    make_fingerprints,
    make_inputs,
)

KEY = SigningKey(bytes(range(32)))
AUTHOR = SealAuthor("alice@laptop", "2026-01-02")
CREDENTIAL = make_desired(
    credential_address("prod-db"), {"host": "db.example.com"}, secrets={"password": "p"}
)
CONNECTION = make_desired(connection_address("prod-pg"), {"host": "other.example.com"}, uses="prod-db")


def count_exposures(connection, key):
    """Return the number of exposures of a new connection that leads elsewhere than its credential."""
    fingerprints = {CREDENTIAL.address: make_fingerprints({"password": "p"})}
    inputs = make_inputs(CREDENTIAL, connection, fingerprints=fingerprints)
    public = None
    if key:
        public = WorkspaceKey(workspace="prod", file="x", public_key=key.public_key, settings={}, seal={})
    return sum(len(change.exposures) for change in judge_seals(public, compute_changes(inputs), inputs))


@pytest.mark.parametrize(
    ("signer", "workspace", "expected"),
    [(KEY, "prod", 0), (KEY, "staging", 1), (SigningKey(bytes(32)), "prod", 1), (None, "", 1)],
)
def test_only_a_seal_of_the_workspace_approves(signer, workspace, expected):
    """Another key, another workspace and a missing seal approve nothing."""
    sealed = CONNECTION
    if signer:
        sealed = replace(CONNECTION, seal=sign_connection(CONNECTION, workspace, signer, AUTHOR))
    assert count_exposures(sealed, KEY) == expected


def test_without_a_key_seals_are_not_judged():
    """The exposures of the plan stay as they are."""
    assert count_exposures(CONNECTION, None) == 0
