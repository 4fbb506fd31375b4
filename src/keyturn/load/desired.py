"""A workspace's files become what is wanted; nothing is decrypted until somebody needs a secret."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Final

from keyturn.core.address import Address
from keyturn.core.diagnostic import Diagnostic, Faulty, Severity
from keyturn.core.fields import Path
from keyturn.core.resource import Desired
from keyturn.core.secret import Secret
from keyturn.load.decrypt import Opener, opener
from keyturn.load.envelope import judge
from keyturn.load.files import Source, load_file, survey
from keyturn.load.findings import fault
from keyturn.load.manifest import Manifest, manifest, misnamed
from keyturn.load.nodes import Document, read
from keyturn.load.project import Project, Workspace
from keyturn.load.references import circles, dangling, twins
from keyturn.load.schema import check
from keyturn.load.seal import Bound, absent, bound, broken, hollow, verified
from keyturn.policy.settings import Settings
from keyturn.policy.subject import Subject

_AT_ONCE: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A workspace's manifests as they stand, all sealed, with every finding, sorted.

    ``doubtful`` are encrypted files that do not fit their schema: they give nothing that is
    wanted, and where a key is at hand their seals tell a slip of the pen from tampering.
    """

    desired: tuple[Desired, ...] = ()
    subjects: tuple[Subject, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    doubtful: tuple[Bound, ...] = ()


def load(project: Project, workspace: Workspace, only: Collection[str] = ()) -> Loaded:
    """Read every manifest of a workspace, or those of ``only`` (paths below the root).

    Nothing is raised for a manifest that is wrong: all findings of all files are returned. With
    ``only``, references may lead to files beside them, of which no more is read than that.
    """
    found = survey(project.root, workspace.manifests)
    batch = _Batch(project.policy, workspace.name)
    for source in found.sources:
        if not only or source.relative in only:
            batch.take(source)
        else:
            batch.pass_over(source)
    batch.findings.extend(each for each in found.findings if not only or each.origin.file in only)
    return batch.result()


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


class _Batch:
    def __init__(self, settings: Settings, workspace: str) -> None:
        self.findings: list[Diagnostic] = []
        self._settings = settings
        self._workspace = workspace
        self._manifests: list[Manifest] = []
        self._doubtful: list[Bound] = []
        self._aside: dict[str, list[Source]] = {}

    def take(self, source: Source) -> None:
        try:
            document = read(source.data, source.relative)
        except Faulty as error:
            self.findings.extend(error.findings)
            return
        misfits = [*misnamed(document), *check(document, str(document.tree.get("kind", "")))]
        found = [*misfits, *self._judge(document)]
        self.findings.extend(found)
        if not misfits:
            self._manifests.append(manifest(source, document, self._workspace))
        elif "sops" in document.tree:
            self._doubtful.append(bound(document))

    def pass_over(self, source: Source) -> None:
        self._aside.setdefault(File(source.relative).stem, []).append(source)

    def result(self) -> Loaded:
        subjects = tuple(each.subject for each in self._manifests)
        known = {subject.address: subject for subject in subjects}
        names = [str(address) for address in known]
        self.findings.extend(twins(subjects))
        self.findings.extend(
            dangling(subjects, lambda address: known.get(address) or self._beside(address), names)
        )
        self.findings.extend(circles(subjects))
        return Loaded(
            desired=tuple(each.desired for each in self._manifests),
            subjects=subjects,
            findings=tuple(sorted(dict.fromkeys(self.findings), key=lambda finding: finding.rank)),
            doubtful=tuple(self._doubtful),
        )

    def _judge(self, document: Document) -> Iterator[Diagnostic]:
        yield from judge(document, self._settings)
        yield from hollow(document)
        yield from absent(document, _weight(self._settings))

    def _beside(self, address: Address) -> Subject | None:
        for source in self._aside.get(address.name, ()):
            try:
                document = read(source.data, source.relative)
            except Faulty:
                continue
            if document.tree.get("kind") == address.kind:
                return Subject(address=address, type=str(document.tree.get("type")), file=source.relative)
        return None


def _opened(
    some: Sequence[Desired], project: Project, open_all: Opener
) -> tuple[list[Desired], list[Diagnostic]]:
    severity = _weight(project.policy)
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
    moved = []
    for one in wanted:
        source = load_file(root, one.origin.file)
        if source.digest != one.digest:
            hint = "run the command again"
            moved.append(fault("KT143", one.origin, "the file changed while it was being read", hint))
        else:
            documents.append(read(source.data, source.relative))
    if moved:
        raise Faulty(*moved)
    return tuple(documents)


def _below(secrets: Mapping[Path, Secret]) -> dict[Path, Secret]:
    return {path[1:]: secret for path, secret in secrets.items() if path[0] == "secrets"}


def _weight(settings: Settings) -> Severity:
    return Severity.ERROR if settings.seal == "required" else Severity.WARNING
