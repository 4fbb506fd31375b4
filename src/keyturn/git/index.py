"""Files of git's index: what the next commit contains."""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct

from keyturn.files.discovery import (
    MANIFEST_SUFFIXES,
    ManifestFiles,
    SourceFile,
    find_name_clashes,
    find_near_misses,
)
from keyturn.files.text import MAX_FILE_BYTES, TOO_LARGE_TEXTS, hash_content
from keyturn.git.process import build_git_command, build_git_environment, find_work_tree
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, DiagnosticError, error_diagnostic

INDEX_VARIABLE: Final = "GIT_INDEX_FILE"
"""git sets it for hooks: ``git commit PATH`` commits another index than that of the repository."""

_FILE_MODES: Final = ("100644", "100755")
_MERGED_STAGE: Final = "0"
_GIT_TIMEOUT: Final = 60.0


class _IndexEntry(Struct, frozen=True):
    mode: str
    blob: str
    stage: str
    path: str


def read_staged_files(root: Path, paths: Iterable[str], environment: Mapping[str, str]) -> ManifestFiles:
    """Read the staged manifests at ``paths`` (files and folders below ``root``), sorted by path.

    An explicit file may have any name. Diagnostics: symlinks and submodules (KT120), unresolved conflicts
    (KT103), too large files (KT104), names that differ only in case (KT122), copies of manifests (KT125).
    Raises DiagnosticError (KT007) outside of a repository.
    """
    wanted = tuple(paths)
    entries = tuple(_list_entries(root, wanted, environment))
    chosen = [each for each in entries if each.path in wanted or _is_manifest(each.path)]
    problems = dict(_find_problems(chosen))
    readable = [each for each in chosen if each.path not in problems]
    sources = []
    for entry, data in zip(readable, _read_blobs(root, readable, environment), strict=True):
        if len(data) > MAX_FILE_BYTES:
            problems[entry.path] = error_diagnostic("KT104", SourceLocation(entry.path), *TOO_LARGE_TEXTS)
        else:
            sources.append(SourceFile(root, entry.path, hash_content(data), data))
    names = sorted(source.relative for source in sources)
    near_misses = find_near_misses(each.path for each in entries if each.path not in wanted)
    return ManifestFiles(
        tuple(sorted(sources, key=lambda each: each.relative)),
        (*problems.values(), *find_name_clashes(names), *near_misses),
    )


def _find_problems(entries: Iterable[_IndexEntry]) -> Iterator[tuple[str, Diagnostic]]:
    for entry in entries:
        origin = SourceLocation(entry.path)
        if entry.stage != _MERGED_STAGE:
            hint = "run `git add` on the file after the conflict is resolved"
            message = "unresolved merge conflict in the index"
            yield entry.path, error_diagnostic("KT103", origin, message, hint, cause=Cause.MERGE_CONFLICT)
        elif entry.mode not in _FILE_MODES:
            message = "the index has a symlink or a submodule here"
            yield entry.path, error_diagnostic("KT120", origin, message, "commit the file")


def _is_manifest(path: str) -> bool:
    is_hidden = any(part.startswith(".") for part in path.split("/"))
    return path.endswith(MANIFEST_SUFFIXES) and not is_hidden


def _list_entries(root: Path, paths: Iterable[str], environment: Mapping[str, str]) -> Iterator[_IndexEntry]:
    literal = [f":(literal){PurePosixPath(path)}" for path in paths]
    output = _run_git(root, environment, "ls-files", "--stage", "-z", "--", *literal)
    for row in os.fsdecode(output).split("\0")[:-1]:
        columns, _, path = row.partition("\t")
        mode, blob, stage = columns.split(" ")
        yield _IndexEntry(mode, blob, stage, path)


def _read_blobs(
    root: Path, entries: Iterable[_IndexEntry], environment: Mapping[str, str]
) -> Iterator[bytes]:
    names = "".join(f"{entry.blob}\n" for entry in entries)
    output = _run_git(root, environment, "cat-file", "--batch", stdin=names.encode())
    start = 0
    while start < len(output):
        end = output.index(b"\n", start)
        size = int(output[start:end].split()[2])
        yield output[end + 1 : end + 1 + size]
        start = end + 1 + size + 1


def _run_git(root: Path, environment: Mapping[str, str], *arguments: str, stdin: bytes = b"") -> bytes:
    # A relative name is relative to the top of the work tree, where git starts hooks.
    index = (find_work_tree(root) or root) / environment.get(INDEX_VARIABLE, "")
    own_index = {INDEX_VARIABLE: str(index)} if environment.get(INDEX_VARIABLE) else {}
    try:
        done = subprocess.run(  # noqa: S603
            [*build_git_command(root), *arguments],
            cwd=root,
            env=build_git_environment(environment) | own_index,
            input=stdin,
            capture_output=True,
            timeout=_GIT_TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        hint = "run it in a git repository; without --staged, the working tree is checked"
        origin = SourceLocation("keyturn.yaml")
        message = "git cannot read the index"
        raise DiagnosticError(error_diagnostic("KT007", origin, message, hint)) from None
    return done.stdout
