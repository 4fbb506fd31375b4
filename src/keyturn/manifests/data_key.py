"""Tells whether somebody else may know the data key of a file.

A data key is known elsewhere if another file has it, or if the file had other recipients in git history.
"""

from collections.abc import Iterable, Iterator, Mapping

from keyturn.files.discovery import SourceFile
from keyturn.model.diagnostic import DiagnosticError
from keyturn.sops.age_keys import AgeKeyring
from keyturn.sops.data_keys import compute_key_traces
from keyturn.sops.metadata import SopsMetadata, parse_metadata
from keyturn.sops.native import open_data_key
from keyturn.yamldoc.reader import Document, parse_document


def parse_encrypted(sources: Iterable[SourceFile]) -> Iterator[Document]:
    """Yield the documents of the encrypted files; other and invalid files are omitted."""
    for source in sources:
        if b"sops" not in source.data:
            continue
        try:
            document = parse_document(source.data, source.relative)
        except DiagnosticError:
            continue
        if "sops" in document.tree:
            yield document


def collect_key_traces(sources: Iterable[SourceFile]) -> Mapping[str, frozenset[str]]:
    """Return the key traces of each encrypted file by path."""
    return {document.file: compute_key_traces(document) for document in parse_encrypted(sources)}


def find_file_with_data_key(document: Document, others: Iterable[Document], keyring: AgeKeyring) -> str:
    """Return the path of the first other file with the data key of ``document``; empty without one."""
    traces, data_key = compute_key_traces(document), open_data_key(document, keyring)
    for other in others:
        if other.file != document.file and (
            not traces.isdisjoint(compute_key_traces(other))
            or (data_key is not None and data_key == open_data_key(other, keyring))
        ):
            return other.file
    return ""


def find_former_reader(document: Document, versions: Iterable[Document], keyring: AgeKeyring) -> str:
    """Return a recipient that an earlier version with the same data key had; empty without one.

    ``versions`` are the committed versions of the file.
    """
    readers, data_key = _read_recipients(document), open_data_key(document, keyring)
    traces = set(compute_key_traces(document))
    for version in versions:
        former_key = open_data_key(version, keyring)
        former_traces = compute_key_traces(version)
        has_common_trace = not traces.isdisjoint(former_traces)
        if not (data_key == former_key if data_key and former_key else has_common_trace):
            continue
        traces |= former_traces
        if removed := _read_recipients(version) - readers:
            return min(removed)
    return ""


def _read_recipients(document: Document) -> frozenset[str]:
    metadata = parse_metadata(document)
    names = metadata.recipients if isinstance(metadata, SopsMetadata) else ()
    return frozenset(each.name for each in names)
