"""The access review: who gained or lost the ability to decrypt, and which guards of the project moved."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity
from keyturn.model.plan import Plan
from keyturn.project.project import PROJECT_FILE, Project
from keyturn.sops.recipients import FileRecipients


def recipient_changes(
    before: Mapping[str, FileRecipients], after: Mapping[str, FileRecipients]
) -> tuple[Diagnostic, ...]:
    """Return a line for each recipient that a file gained or lost since the base.

    Where a ciphertext is as it was the data key is the old one, and whoever lost access still has
    it. In a file that is new, or has another name, those count who could decrypt nothing before.
    """
    found: list[Diagnostic] = []
    known = frozenset[str]().union(*(each.names for each in before.values()))
    for file, now in sorted(after.items()):
        then = before.get(file)
        if then is None:
            found += _gained_access_warnings(file, now.names - known)
            continue
        found += _gained_access_warnings(file, now.names - then.names)
        found += _lost_access_warnings(file, then.names - now.names, stale=now.has_same_data_key(then))
        if now.is_rewrapped(then):
            found.append(_rewrapped_key_note(file))
    return tuple(found)


def add_access_diagnostics(plan: Plan, lines: tuple[Diagnostic, ...]) -> Plan:
    """Return the plan with an access review; what is only worth a note goes among its findings."""
    notes = (each for each in lines if each.severity is Severity.NOTE)
    return replace(
        plan,
        access_changes=tuple(each for each in lines if each.severity is not Severity.NOTE),
        diagnostics=tuple(sorted((*plan.diagnostics, *notes), key=lambda each: each.sort_key)),
    )


def _rewrapped_key_note(file: str) -> Diagnostic:
    message = "the data key was wrapped again; the secrets are the ones of the base"
    hint = "nothing needs to be applied for it"
    return Diagnostic(
        code="KT484", severity=Severity.NOTE, message=message, origin=SourceLocation(file), hint=hint
    )


def _gained_access_warnings(file: str, names: Iterable[str]) -> Iterator[Diagnostic]:
    for name in sorted(names):
        yield _access_warning(
            "KT480", file, f"{name} can decrypt this from now on", "make sure that this is meant"
        )


def _lost_access_warnings(file: str, names: Iterable[str], *, stale: bool) -> Iterator[Diagnostic]:
    for name in sorted(names):
        if stale:
            hint = "run `sops rotate` on the file, and set new secrets: the old ones were readable"
            yield _access_warning(
                "KT481", file, f"{name} is no longer named, but still has the data key", hint
            )
        else:
            yield _access_warning(
                "KT482", file, f"{name} can no longer decrypt this", "set new secrets if it left"
            )


def guarded_setting_changes(
    before: Project | None, after: Project, rules_changed: bool
) -> tuple[Diagnostic, ...]:  # noqa: FBT001
    """Return a line for each setting that guards the project and is another one than at the base."""
    if before is None:
        return ()
    moved = [
        word
        for word, value in _guarded_settings(before).items()
        if _guarded_settings(after).get(word) != value
    ]
    moved += [word for word in _guarded_settings(after) if word not in _guarded_settings(before)]
    found = [_guarded_setting_warning(PROJECT_FILE, word) for word in sorted(moved)]
    if rules_changed:
        found.append(_guarded_setting_warning(".sops.yaml", "the creation rules"))
    return tuple(found)


def _guarded_settings(project: Project) -> dict[str, object]:
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
            f"workspaces.{name}.state": workspace.state_url,
            f"workspaces.{name}.put": workspace.put,
        }
    return found


def _guarded_setting_warning(file: str, word: str) -> Diagnostic:
    hint = "ask who may change what guards the secrets; compare with the base, or plan with --config-from"
    return _access_warning("KT483", file, f"this change touches {word}", hint)


def _access_warning(code: str, file: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(
        code=code, severity=Severity.WARNING, message=message, origin=SourceLocation(file), hint=hint
    )
