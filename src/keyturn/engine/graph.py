"""What mentions an object: pipelines, syncs and schedules, as far as the service tells."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TypeAlias

from msgspec import Struct

from keyturn.api.client import Client
from keyturn.api.dialect import either
from keyturn.api.errors import Absent, ServiceError
from keyturn.api.records import Record
from keyturn.api.strict import Puzzling
from keyturn.engine.observe import READERS
from keyturn.engine.together import side_by_side

PIPELINES = 500
"""How many pipelines are read in full at most; beyond that, what uses a connection is unknown."""


class Use(Struct, frozen=True, order=True):
    """What mentions an object: a pipeline or sync by name, a schedule by its next run, each with its id."""

    label: str
    id: str


Uses: TypeAlias = Mapping[str, tuple[Use, ...]] | None
"""By the id of an object, what mentions it; None where the service did not tell."""


class Graph(Struct, frozen=True, kw_only=True):
    """What refers to an object.

    ``linked``: whether connections say which credential they use at all; some deployments do not.
    ``runs`` are the schedules once more, by the id of the pipeline that they start.
    """

    linked: bool
    pipelines: Uses
    syncs: Uses
    schedules: Uses
    runs: Uses = None


def gathered(known: Uses, ids: Iterable[str]) -> tuple[Use, ...] | None:
    """Return what mentions any of the objects, each once and sorted; None where it is not known."""
    return None if known is None else tuple(sorted({use for each in ids for use in known.get(each, ())}))


def graph_of(service: Client, ids: frozenset[str], linked: bool) -> Graph:  # noqa: FBT001
    """Return what refers to the objects of these ids; None for each sort that the service does not tell."""
    pipelines, syncs = _pipelines(service), _syncs(service, ids)
    if pipelines is None:
        return Graph(linked=linked, pipelines=None, syncs=syncs, schedules=None)
    users = {use.id: texts & ids for use, texts in pipelines.items()}
    runs = _runs(service)
    return Graph(
        linked=linked,
        pipelines=_mentioned(pipelines, ids),
        syncs=syncs,
        schedules=_schedules(runs, users),
        runs=runs,
    )


def strings(tree: object) -> Iterator[str]:
    """Yield every string in a document, however deep: ids stand wherever a vendor puts them.

    Some deployments hold a mapping as text: what stands in that is yielded, too.
    """
    if isinstance(tree, str):
        yield tree
        if tree.startswith(("{", "[")):
            with suppress(ValueError, RecursionError):
                yield from strings(json.loads(tree))
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from strings(value)


def _texts(record: Record) -> frozenset[str]:
    return frozenset(strings([record.extra, record.config, record.credential_id]))


def _pipelines(service: Client) -> Mapping[Use, frozenset[str]] | None:
    def read(listed: Record) -> tuple[Use, frozenset[str]]:
        # Some deployments name source and destination in the list alone, most the nodes in none.
        texts = _texts(listed)
        with suppress(Absent):
            texts |= _texts(service.pipeline(listed.id))
        return Use(listed.name or listed.id, listed.id), texts

    try:
        listed = [each for each in service.pipelines().records if each.status != "deleted"]
        if len(listed) > PIPELINES:
            return None
        return dict(side_by_side(read, listed, READERS))
    except ServiceError:
        return None


def _runs(service: Client) -> Uses:
    runs: dict[str, list[Use]] = {}
    try:
        for each in service.schedules().records:
            if either(each.extra, "enabled") is not False:
                run = Use(str(either(each.extra, "next_run_at") or ""), each.id)
                runs.setdefault(str(either(each.extra, "pipeline_id") or ""), []).append(run)
    except (ServiceError, Puzzling):
        return None
    return {key: tuple(found) for key, found in runs.items()}


def _schedules(runs: Uses, users: Mapping[str, frozenset[str]]) -> Uses:
    if runs is None:
        return None
    found: dict[str, list[Use]] = {}
    for pipeline, started in runs.items():
        for each in users.get(pipeline, ()):
            found.setdefault(each, []).extend(started)
    return {key: tuple(each) for key, each in found.items()}


def _syncs(service: Client, ids: frozenset[str]) -> Uses:
    try:
        listed = service.syncs().records
    except ServiceError:
        return None
    return _mentioned({Use(each.name or each.id, each.id): _texts(each) for each in listed}, ids)


def _mentioned(mentions: Mapping[Use, frozenset[str]], ids: frozenset[str]) -> Mapping[str, tuple[Use, ...]]:
    found: dict[str, list[Use]] = {}
    for use, texts in mentions.items():
        for each in texts & ids:
            found.setdefault(each, []).append(use)
    return {key: tuple(uses) for key, uses in found.items()}
