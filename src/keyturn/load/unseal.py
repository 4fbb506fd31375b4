"""Sealed manifests are opened: decrypted as the bytes that were loaded, their seals verified."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path as File
from typing import Final

from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.fields import Path
from keyturn.core.resource import Desired
from keyturn.core.secret import Secret
from keyturn.load.decrypt import Opener, opener
from keyturn.load.files import load_again, load_file
from keyturn.load.nodes import Document, read
from keyturn.load.project import Project
from keyturn.load.seal import Bound, broken, verified, weight

_AT_ONCE: Final = 256


def unseal(
    desired: Iterable[Desired], project: Project, environment: Mapping[str, str]
) -> tuple[Desired, ...]:
    """Return the manifests with their secrets opened and their seals verified.

    Only these files are read again and decrypted, each as the bytes that were loaded, with the keys
    that ``environment`` leads to. Raises Faulty with everything that is wrong, KT250 to KT299 for
    what is refused for its integrity; a seal that is missing where policy only warns of it is let
    pass: ``load`` has said so.
    """
    open_all = opener(environment, project.policy, project.decryptor)
    wanted = tuple(desired)
    opened: list[Desired] = []
    findings: list[Diagnostic] = []
    for at in range(0, len(wanted), _AT_ONCE):
        whole, wrong = _opened(wanted[at : at + _AT_ONCE], project, open_all)
        opened.extend(whole)
        findings.extend(wrong)
    if findings:
        raise Faulty(*findings)
    return tuple(opened)


def accuse(
    doubtful: Sequence[Bound], project: Project, environment: Mapping[str, str]
) -> tuple[Diagnostic, ...]:
    """Return what the seals of files that do not fit their schema say: KT251 for each that is broken."""
    documents = [read(load_file(project.root, each.origin.file).data, each.origin.file) for each in doubtful]
    open_all = opener(environment, project.policy, project.decryptor)
    return tuple(
        finding
        for what, secrets in zip(doubtful, open_all(documents), strict=True)
        for finding in (secrets.findings if isinstance(secrets, Faulty) else broken(what, _below(secrets)))
    )


def _opened(
    some: Sequence[Desired], project: Project, open_all: Opener
) -> tuple[list[Desired], list[Diagnostic]]:
    severity = weight(project.policy)
    opened: list[Desired] = []
    findings: list[Diagnostic] = []
    for one, secrets in zip(some, open_all(_again(project.root, some)), strict=True):
        if isinstance(secrets, Faulty):
            findings.extend(secrets.findings)
            continue
        whole, wrong = verified(one, _below(secrets), severity)
        opened.append(whole)
        findings.extend(each for each in wrong if each.severity is Severity.ERROR)
    return opened, findings


def _again(root: File, wanted: Sequence[Desired]) -> tuple[Document, ...]:
    documents = []
    moved: list[Diagnostic] = []
    for one in wanted:
        try:
            source = load_again(root, one.origin.file, one.digest)
        except Faulty as error:
            moved += error.findings
        else:
            documents.append(read(source.data, source.relative))
    if moved:
        raise Faulty(*moved)
    return tuple(documents)


def _below(secrets: Mapping[Path, Secret]) -> dict[Path, Secret]:
    return {path[1:]: secret for path, secret in secrets.items() if path[0] == "secrets"}
