"""The users of objects: the pipelines, syncs and schedules that contain the ID of an object."""

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
from keyturn.model.clock import parse_timestamp
from keyturn.operations.observe import MAX_PARALLEL_READS
from keyturn.operations.parallel import map_parallel

MAX_PIPELINE_READS = 500
"""Maximum number of pipelines to read in full; with more, the users of a connection are unknown."""


class UsageNode(Struct, frozen=True, order=True):
    """A user of an object, with its ID; ``label`` is the name, or the next run of a schedule (RFC 3339)."""

    label: str
    id: str


UsageIndex: TypeAlias = Mapping[str, tuple[UsageNode, ...]] | None
"""The users of objects by object ID; None if the API does not show them."""


class UsageGraph(Struct, frozen=True, kw_only=True):
    """The users of objects.

    ``linked`` is whether the API returns the credential of a connection; some deployments do not.
    ``schedules_by_pipeline`` holds the schedules by the ID of the pipeline that they start.
    """

    linked: bool
    pipelines: UsageIndex
    syncs: UsageIndex
    schedules: UsageIndex
    schedules_by_pipeline: UsageIndex = None


def users_of(index: UsageIndex, ids: Iterable[str]) -> tuple[UsageNode, ...] | None:
    """Return the users of any of the objects, sorted and without duplicates; None if unknown."""
    return None if index is None else tuple(sorted({user for each in ids for user in index.get(each, ())}))


def build_usage_graph(service: Client, ids: frozenset[str], *, linked: bool) -> UsageGraph:
    """Return the users of the objects with these IDs; an index that cannot be read is None."""
    pipelines, syncs = _read_pipelines(service), _read_syncs(service, ids)
    if pipelines is None:
        return UsageGraph(linked=linked, pipelines=None, syncs=syncs, schedules=None)
    used_ids = {pipeline.id: texts & ids for pipeline, texts in pipelines.items()}
    schedules = _read_schedules(service)
    return UsageGraph(
        linked=linked,
        pipelines=_index_mentions(pipelines, ids),
        syncs=syncs,
        schedules=_index_schedules(schedules, used_ids),
        schedules_by_pipeline=schedules,
    )


def iterate_strings(tree: object) -> Iterator[str]:
    """Yield every string in a document, at any depth: the place of an ID depends on the connector.

    Some deployments store a mapping as JSON text; the strings of that JSON are yielded, too.
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


def collect_strings(record: ApiRecord) -> frozenset[str]:
    """Return every text of a record at any depth; an ID among them is a reference."""
    return frozenset(iterate_strings([record.extra, record.config, record.credential_id]))


def _read_pipelines(service: Client) -> Mapping[UsageNode, frozenset[str]] | None:
    def read_pipeline(listed: ApiRecord) -> tuple[UsageNode, frozenset[str]]:
        # Some deployments show source and destination only in the list, most show nodes only in the record.
        texts = collect_strings(listed)
        with suppress(NotFound):
            texts |= collect_strings(service.read_pipeline(listed.id))
        return UsageNode(listed.name or listed.id, listed.id), texts

    try:
        listed = [each for each in service.list_pipelines().records if each.status != "deleted"]
        if len(listed) > MAX_PIPELINE_READS:
            return None
        return dict(map_parallel(read_pipeline, listed, MAX_PARALLEL_READS))
    except ServiceError:
        return None


def _read_schedules(service: Client) -> UsageIndex:
    schedules: dict[str, list[UsageNode]] = {}
    try:
        for each in service.list_schedules().records:
            if read_either_case(each.extra, "enabled") is not False:
                next_run = str(read_either_case(each.extra, "next_run_at") or "")
                schedule = UsageNode(next_run if parse_timestamp(next_run) else "", each.id)
                pipeline = str(read_either_case(each.extra, "pipeline_id") or "")
                schedules.setdefault(pipeline, []).append(schedule)
    except (ServiceError, ResponseFormatError):
        return None
    return {pipeline: tuple(started) for pipeline, started in schedules.items()}


def _index_schedules(schedules: UsageIndex, used_ids: Mapping[str, frozenset[str]]) -> UsageIndex:
    if schedules is None:
        return None
    index: dict[str, list[UsageNode]] = {}
    for pipeline, started in schedules.items():
        for identity in used_ids.get(pipeline, ()):
            index.setdefault(identity, []).extend(started)
    return {identity: tuple(users) for identity, users in index.items()}


def _read_syncs(service: Client, ids: frozenset[str]) -> UsageIndex:
    try:
        listed = service.list_syncs().records
    except ServiceError:
        return None
    return _index_mentions(
        {UsageNode(each.name or each.id, each.id): collect_strings(each) for each in listed}, ids
    )


def _index_mentions(
    mentions: Mapping[UsageNode, frozenset[str]], ids: frozenset[str]
) -> Mapping[str, tuple[UsageNode, ...]]:
    index: dict[str, list[UsageNode]] = {}
    for user, texts in mentions.items():
        for identity in texts & ids:
            index.setdefault(identity, []).append(user)
    return {identity: tuple(users) for identity, users in index.items()}
