"""Fixtures: a run over a repository and an emulator, and an apply context of it."""

import os
from collections.abc import Callable, Iterator
from unittest import mock

import pytest
from msgspec.structs import replace

from keyturn.operations.apply.context import ApplyContext
from keyturn.operations.run_context import RunContext, open_run_context
from keyturn.state.journal import open_journal
from keyturn.state.reader import load_state
from workspace_setup import WorkspaceSetup, setup

__all__ = ["setup"]


@pytest.fixture
def begin(setup: WorkspaceSetup) -> Iterator[Callable[[], RunContext]]:
    """Return a function that opens a run of the workspace; its `sleep` returns at once."""
    opened = []

    def begin() -> RunContext:
        opened.append(open_run_context(setup.repo.root, "", setup.repo.environment()))
        return replace(opened[-1], sleep=lambda _: None)

    no_jitter = mock.patch("keyturn.operations.run_context.random.random", return_value=0.0)
    with no_jitter, mock.patch.dict(os.environ, setup.repo.environment()):
        yield begin
    for run in opened:
        run.service.close()


@pytest.fixture
def run(begin: Callable[[], RunContext]) -> RunContext:
    """Return a run of an empty workspace."""
    return begin()


@pytest.fixture
def context(run: RunContext) -> ApplyContext:
    """Return an apply context of that run, with an open journal, that may write."""
    loaded_state = load_state(run.store, run.workspace.name, run.workspace.organization)
    run.service.read_organization()  # An apply knows the clock of the service from its plan.
    journal = open_journal(run.store, loaded_state.state, loaded_state.torn, run.clock)
    return ApplyContext(
        run=run,
        journal=journal,
        ids={},
        entries={},
        fingerprint_key=lambda: bytes(32),
        may_write=lambda: True,
    )
