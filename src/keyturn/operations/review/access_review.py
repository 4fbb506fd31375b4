"""The access review: changes of who can decrypt files and of settings that protect the project."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Diagnostic, Severity, pluralize
from keyturn.model.plan import Plan
from keyturn.project.project import PROJECT_FILE, Project
from keyturn.sops.recipients import FileRecipients

SOPS_RULES_FILE = ".sops.yaml"
"""The file with the creation rules of sops."""


def recipient_changes(
    before: Mapping[str, FileRecipients], after: Mapping[str, FileRecipients]
) -> tuple[Diagnostic, ...]:
    """Return a diagnostic for each recipient that a file gained or lost since the base.

    A removed recipient still has the data key unless the file was encrypted again. In a new or renamed
    file, only recipients that could decrypt no file before count as added.
    """
    diagnostics: list[Diagnostic] = []
    known = frozenset[str]().union(*(each.names for each in before.values()))
    for file, now in sorted(after.items()):
        then = before.get(file)
        if then is None:
            diagnostics += _gained_access_warnings(file, now, now.names - known)
            continue
        diagnostics += _gained_access_warnings(file, now, now.names - then.names)
        diagnostics += _key_group_warnings(file, then, now)
        diagnostics += _lost_access_warnings(
            file, then.names - now.names, same_data_key=now.has_same_data_key(then)
        )
        if now.is_rewrapped(then):
            diagnostics.append(_rewrapped_key_note(file))
    return tuple(diagnostics)


def add_access_diagnostics(
    plan: Plan, access: tuple[Diagnostic, ...], others: tuple[Diagnostic, ...] = ()
) -> Plan:
    """Return the plan with an access review; its notes and ``others`` are added to the plan's diagnostics."""
    notes = (each for each in access if each.severity is Severity.NOTE)
    return replace(
        plan,
        access_changes=tuple(each for each in access if each.severity is not Severity.NOTE),
        diagnostics=tuple(sorted((*plan.diagnostics, *notes, *others), key=lambda each: each.sort_key)),
    )


def _rewrapped_key_note(file: str) -> Diagnostic:
    message = "the data key was encrypted again for its recipients; the secrets did not change"
    hint = "nothing to do: no apply is needed"
    return Diagnostic(
        code="KT484", severity=Severity.NOTE, message=message, origin=SourceLocation(file), hint=hint
    )


def _gained_access_warnings(file: str, now: FileRecipients, names: Iterable[str]) -> Iterator[Diagnostic]:
    needed = now.threshold
    ability = "can now decrypt this file"
    if needed > 1:
        ability = f"now has one of the {pluralize(needed, 'key')} that are needed"
    for name in sorted(names):
        yield _access_warning("KT480", file, f"{name} {ability}", "check that this is intended")


def _key_group_warnings(file: str, then: FileRecipients, now: FileRecipients) -> Iterator[Diagnostic]:
    if max(len(then.groups), len(now.groups)) < 2:  # noqa: PLR2004
        return
    before, after = _describe_needed_keys(then), _describe_needed_keys(now)
    if before != after:
        message = f"the keys that are needed to decrypt this file changed: {after}; at the base, {before}"
        hint = "check that this is intended; fewer needed keys or more groups let more people decrypt"
        yield _access_warning("KT487", file, message, hint)


def _describe_needed_keys(recipients: FileRecipients) -> str:
    groups = sorted(", ".join(sorted(group)) for group in recipients.groups)
    if len(groups) == 1:
        return f"any one of {groups[0]}"
    number = f"{recipients.threshold} of {pluralize(len(groups), 'key group')}"
    return f"{number} ({' | '.join(groups)})"


def _lost_access_warnings(file: str, names: Iterable[str], *, same_data_key: bool) -> Iterator[Diagnostic]:
    for name in sorted(names):
        if same_data_key:
            hint = "run `sops rotate` on the file and set new secrets: the old ones were readable"
            yield _access_warning(
                "KT481", file, f"{name} is no longer a recipient but still has the data key", hint
            )
        else:
            yield _access_warning(
                "KT482",
                file,
                f"{name} can no longer decrypt this file",
                "set new secrets if access was revoked",
            )


def guarded_setting_changes(
    before: Project | None, after: Project, *, rules_changed: bool
) -> tuple[Diagnostic, ...]:
    """Return a diagnostic for each security setting of the project that changed since the base.

    ``rules_changed`` is whether the creation rules of sops changed.
    """
    if before is None:
        return ()
    then, now = _guarded_settings(before), _guarded_settings(after)
    changed = [
        name for name in {**then, **now} if name not in then or name not in now or then[name] != now[name]
    ]
    diagnostics = [_guarded_setting_warning(PROJECT_FILE, name) for name in sorted(changed)]
    if rules_changed:
        diagnostics.append(_guarded_setting_warning(SOPS_RULES_FILE, "the creation rules"))
    return tuple(diagnostics)


def unreadable_settings_warning() -> Diagnostic:
    """Return the diagnostic for an invalid keyturn.yaml at the base: any setting may have changed."""
    return _guarded_setting_warning(PROJECT_FILE, "keyturn.yaml, which is invalid at the base")


def _guarded_settings(project: Project) -> dict[str, object]:
    policy = project.policy
    settings: dict[str, object] = {
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
        settings |= {
            f"workspaces.{name}.base_url": workspace.base_url,
            f"workspaces.{name}.organization": workspace.organization,
            f"workspaces.{name}.api_key": workspace.api_key,
            f"workspaces.{name}.manifests": workspace.manifests,
            f"workspaces.{name}.state": workspace.state_url,
            f"workspaces.{name}.put": workspace.put,
        }
    return settings


def _guarded_setting_warning(file: str, name: str) -> Diagnostic:
    hint = "review this change; compare with the base, or plan with --config-from REVISION"
    return _access_warning("KT483", file, f"this change modifies {name}", hint)


def _access_warning(code: str, file: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(
        code=code, severity=Severity.WARNING, message=message, origin=SourceLocation(file), hint=hint
    )
