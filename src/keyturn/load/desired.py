"""A workspace's files become what is wanted; nothing is decrypted until somebody needs a secret."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path as File

from msgspec import Struct

from keyturn.core.address import Address
from keyturn.core.diagnostic import Diagnostic, Faulty
from keyturn.core.resource import Desired
from keyturn.load.examining import examine
from keyturn.load.files import Source, load_file, stem, survey
from keyturn.load.manifest import Manifest, build_manifest
from keyturn.load.nodes import Document, read
from keyturn.load.project import Project, Workspace
from keyturn.load.references import circles, dangling, twins
from keyturn.load.revision import Revision
from keyturn.load.seal import Bound, bound
from keyturn.policy.settings import Settings
from keyturn.policy.subject import Subject


class Loaded(Struct, frozen=True, kw_only=True):
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
    found = survey(project.root, workspace.manifests, only)
    batch = _Batch(project.policy, workspace.name)
    batch.take(found.sources)
    batch.pass_over(project.root, found.unread)
    batch.findings.extend(each for each in found.findings if not only or each.origin.file in only)
    return batch.result()


def load_at(project: Project, workspace: Workspace, revision: Revision) -> Loaded:
    """Read every manifest of a workspace as a commit holds it; what is wrong there is no news."""
    batch = _Batch(project.policy, workspace.name)
    batch.take(revision.survey(workspace.manifests).sources)
    return batch.result()


class _Batch:
    def __init__(self, settings: Settings, workspace: str) -> None:
        self.findings: list[Diagnostic] = []
        self._settings = settings
        self._workspace = workspace
        self._manifests: list[Manifest] = []
        self._doubtful: list[Bound] = []
        self._broken: dict[Address, Subject] = {}
        self._unread: set[str] = set()
        self._aside: dict[str, list[tuple[File, str]]] = {}

    def take(self, sources: Sequence[Source]) -> None:
        for source in sources:
            self._read(source)

    def _read(self, source: Source) -> None:
        seen = examine(source, self._settings)
        self.findings.extend(seen.findings)
        if seen.document is None:
            self._unread.add(stem(source.relative))
        elif seen.fits:
            self._manifests.append(build_manifest(source, seen.document, self._workspace))
        else:
            self._turn_down(source, seen.document)

    def pass_over(self, root: File, names: Iterable[str]) -> None:
        for name in names:
            self._aside.setdefault(stem(name), []).append((root, name))

    def result(self) -> Loaded:
        subjects = tuple(each.subject for each in self._manifests)
        known = {subject.address: subject for subject in subjects}
        names = [str(address) for address in known]
        self.findings.extend(twins(subjects))
        self.findings.extend(dangling(subjects, lambda one: known.get(one) or self._beside(one), names))
        self.findings.extend(circles(subjects))
        return Loaded(
            desired=tuple(each.desired for each in self._manifests),
            subjects=subjects,
            findings=tuple(sorted(dict.fromkeys(self.findings), key=lambda finding: finding.rank)),
            doubtful=tuple(self._doubtful),
        )

    def _turn_down(self, source: Source, document: Document) -> None:
        what = bound(document)
        self._broken[what.address] = Subject(address=what.address, type="", file=source.relative)
        if "sops" in document.tree:
            self._doubtful.append(what)

    def _beside(self, address: Address) -> Subject | None:
        # What leads to a file that is broken is not lost as well: one fault, one finding.
        if address.name in self._unread:
            return Subject(address=address, type="", file="")
        for root, name in self._aside.get(address.name, ()):
            try:
                source = load_file(root, name)
                document = read(source.data, name)
            except Faulty:
                continue
            if document.tree.get("kind") == address.kind:
                return Subject(address=address, type=str(document.tree.get("type")), file=source.relative)
        return self._broken.get(address)
