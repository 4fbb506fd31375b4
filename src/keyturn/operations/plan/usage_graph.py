"""What mentions an object: pipelines, syncs and schedules, as far as the service tells."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TypeAlias

from msgspec import Struct

from keyturn.client.client import Client
from keyturn.client.decode import read_either_case
from keyturn.client.errors import NotFound, ServiceError
from keyturn.client.records import ApiRecord
from keyturn.client.strict_json import ResponseFormatError
from keyturn.operations.observe import MAX_PARALLEL_READS
from keyturn.operations.parallel import map_parallel

MAX_PIPELINE_READS = 500
"""How many pipelines are read in full at most; beyond that, what uses a connection is unknown."""


class UsageNode(Struct, frozen=True, order=True):
    """What mentions an object: a pipeline or sync by name, a schedule by its next run, each with its id."""

    label: str
    id: str


UsageIndex: TypeAlias = Mapping[str, tuple[UsageNode, ...]] | None
"""By the id of an object, what mentions it; None where the service did not tell."""


class UsageGraph(Struct, frozen=True, kw_only=True):
    """What refers to an object.

    ``linked``: whether connections say which credential they use at all; some deployments do not.
    ``runs`` are the schedules once more, by the id of the pipeline that they start.
    """

    linked: bool
    pipelines: UsageIndex
    syncs: UsageIndex
    schedules: UsageIndex
    schedules_by_pipeline: UsageIndex = None


def users_of(known: UsageIndex, ids: Iterable[str]) -> tuple[UsageNode, ...] | None:
    """Return what mentions any of the objects, each once and sorted; None where it is not known."""
    return None if known is None else tuple(sorted({use for each in ids for use in known.get(each, ())}))


def build_usage_graph(service: Client, ids: frozenset[str], linked: bool) -> UsageGraph:  # noqa: FBT001
    """Return what refers to the objects of these ids; None for each sort that the service does not tell."""
    pipelines, syncs = _read_pipelines(service), _read_syncs(service, ids)
    if pipelines is None:
        return UsageGraph(linked=linked, pipelines=None, syncs=syncs, schedules=None)
    users = {use.id: texts & ids for use, texts in pipelines.items()}
    runs = _read_schedules(service)
    return UsageGraph(
        linked=linked,
        pipelines=_index_mentions(pipelines, ids),
        syncs=syncs,
        schedules=_index_schedules(runs, users),
        schedules_by_pipeline=runs,
    )


def iterate_strings(tree: object) -> Iterator[str]:
    """Yield every string in a document, however deep: ids stand wherever a vendor puts them.

    Some deployments hold a mapping as text: what stands in that is yielded, too.
    """
    if isinstance(tree, str):
        yield tree
        if tree.startswith(("{", "[")):
            with suppress(ValueError, RecursionError):
                yield from iterate_strings(json.loads(tree))
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from iterate_strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from iterate_strings(value)


def _collect_strings(record: ApiRecord) -> frozenset[str]:
    return frozenset(iterate_strings([record.extra, record.config, record.credential_id]))


def _read_pipelines(service: Client) -> Mapping[UsageNode, frozenset[str]] | None:
    def read_pipeline(listed: ApiRecord) -> tuple[UsageNode, frozenset[str]]:
        # Some deployments name source and destination in the list alone, most the nodes in none.
        texts = _collect_strings(listed)
        with suppress(NotFound):
            texts |= _collect_strings(service.read_pipeline(listed.id))
        return UsageNode(listed.name or listed.id, listed.id), texts

    try:
        listed = [each for each in service.list_pipelines().records if each.status != "deleted"]
        if len(listed) > MAX_PIPELINE_READS:
            return None
        return dict(map_parallel(read_pipeline, listed, MAX_PARALLEL_READS))
    except ServiceError:
        return None


def _read_schedules(service: Client) -> UsageIndex:
    runs: dict[str, list[UsageNode]] = {}
    try:
        for each in service.list_schedules().records:
            if read_either_case(each.extra, "enabled") is not False:
                run = UsageNode(str(read_either_case(each.extra, "next_run_at") or ""), each.id)
                runs.setdefault(str(read_either_case(each.extra, "pipeline_id") or ""), []).append(run)
    except (ServiceError, ResponseFormatError):
        return None
    return {key: tuple(found) for key, found in runs.items()}


def _index_schedules(runs: UsageIndex, users: Mapping[str, frozenset[str]]) -> UsageIndex:
    if runs is None:
        return None
    found: dict[str, list[UsageNode]] = {}
    for pipeline, started in runs.items():
        for each in users.get(pipeline, ()):
            found.setdefault(each, []).extend(started)
    return {key: tuple(each) for key, each in found.items()}


def _read_syncs(service: Client, ids: frozenset[str]) -> UsageIndex:
    try:
        listed = service.list_syncs().records
    except ServiceError:
        return None
    return _index_mentions(
        {UsageNode(each.name or each.id, each.id): _collect_strings(each) for each in listed}, ids
    )


def _index_mentions(
    mentions: Mapping[UsageNode, frozenset[str]], ids: frozenset[str]
) -> Mapping[str, tuple[UsageNode, ...]]:
    found: dict[str, list[UsageNode]] = {}
    for use, texts in mentions.items():
        for each in texts & ids:
            found.setdefault(each, []).append(use)
    return {key: tuple(uses) for key, uses in found.items()}
