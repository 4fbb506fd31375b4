"""The access review: who gained or lost the ability to decrypt, and which guards of the project moved."""

from collections.abc import Iterable, Iterator, Mapping

from keyturn.core.address import Origin
from keyturn.core.diagnostic import Diagnostic, Severity
from keyturn.core.resource import Desired
from keyturn.load.access import Readers
from keyturn.load.project import FILE, Project


def review(
    before: Mapping[str, Readers], after: Mapping[str, Readers], unchanged: frozenset[str]
) -> tuple[Diagnostic, ...]:
    """Return a line for each recipient that a file gained or lost since the base.

    ``unchanged`` are the files in which a ciphertext is as it was: there the data key is the old
    one, and whoever lost access still has it.
    """
    found: list[Diagnostic] = []
    for file in sorted({*before, *after}):
        then = before[file].names if file in before else frozenset()
        now = after[file].names if file in after else frozenset()
        if file in before and file in after:
            found += _gained(file, now - then)
            found += _lost(file, then - now, stale=file in unchanged)
    return tuple(found)


def _gained(file: str, names: Iterable[str]) -> Iterator[Diagnostic]:
    for name in sorted(names):
        yield _line("KT480", file, f"{name} can decrypt this from now on", "make sure that this is meant")


def _lost(file: str, names: Iterable[str], *, stale: bool) -> Iterator[Diagnostic]:
    for name in sorted(names):
        if stale:
            hint = "run `sops rotate` on the file, and set new secrets: the old ones were readable"
            yield _line("KT481", file, f"{name} is no longer named, but still has the data key", hint)
        else:
            yield _line("KT482", file, f"{name} can no longer decrypt this", "set new secrets if it left")


def settings(before: Project | None, after: Project, rules_changed: bool) -> tuple[Diagnostic, ...]:  # noqa: FBT001
    """Return a line for each setting that guards the project and is another one than at the base."""
    if before is None:
        return ()
    moved = [word for word, value in _guards(before).items() if _guards(after).get(word) != value]
    moved += [word for word in _guards(after) if word not in _guards(before)]
    found = [_setting(FILE, word) for word in sorted(moved)]
    if rules_changed:
        found.append(_setting(".sops.yaml", "the creation rules"))
    return tuple(found)


def _guards(project: Project) -> dict[str, object]:
    policy = project.policy
    found: dict[str, object] = {
        "policy.recipients": dict(policy.recipients),
        "policy.key_types": policy.key_types,
        "policy.servers": policy.servers,
        "policy.limits": policy.limits,
        "policy.seal": policy.seal,
        "policy.rules": dict(policy.rules),
        "decryptor": project.decryptor,
        "fingerprint_key": project.fingerprint_key,
    }
    for name, workspace in project.workspaces.items():
        found |= {
            f"workspaces.{name}.base_url": workspace.base_url,
            f"workspaces.{name}.organization": workspace.organization,
            f"workspaces.{name}.api_key": workspace.api_key,
            f"workspaces.{name}.manifests": workspace.manifests,
            f"workspaces.{name}.ledger": workspace.ledger,
            f"workspaces.{name}.put": workspace.put,
        }
    return found


def _setting(file: str, word: str) -> Diagnostic:
    hint = "who may change what guards the secrets? compare with the base, or plan with --config-from"
    return _line("KT483", file, f"this change touches {word}", hint)


def _line(code: str, file: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.WARNING, message=message, origin=Origin(file), hint=hint)


def steady(before: Iterable[Desired], after: Iterable[Desired]) -> frozenset[str]:
    """Return the files of which at least one ciphertext is as it was."""
    then = {each.address: each for each in before}
    return frozenset(
        each.origin.file
        for each in after
        if each.address in then
        and any(then[each.address].ciphers.get(path) == digest for path, digest in each.ciphers.items())
    )
