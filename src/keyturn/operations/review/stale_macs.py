"""Files whose MAC is older than their values, found without a key by earlier versions of the file.

SOPS writes a new MAC with each change. The oldest version with a MAC has the values of this MAC. If the
file of today has other values, git merged it or somebody edited it, and no key decrypts it any more.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from keyturn.git.file_history import read_file_versions
from keyturn.model.address import SourceLocation
from keyturn.model.diagnostic import Cause, Diagnostic, error_diagnostic
from keyturn.sops.recipients import FileRecipients, recipients_by_file

MAX_HISTORY_FILES = 50
"""The number of changed files whose earlier versions are read; others are compared with the base only."""


def find_stale_macs(
    root: Path,
    before: Mapping[str, FileRecipients],
    after: Mapping[str, FileRecipients],
    environment: Mapping[str, str],
) -> Iterator[Diagnostic]:
    """Yield an error (KT221) for each file of ``after`` whose MAC belongs to other values.

    ``before`` has the versions of the base by the same paths.
    """
    changed = [file for file, now in after.items() if before.get(file) != now]
    for number, file in enumerate(changed):
        versions = [before[file]] if file in before else []
        if number < MAX_HISTORY_FILES:
            sources = read_file_versions(root, file, environment)
            versions += [each for source in sources for each in recipients_by_file([source]).values()]
        same_mac = [each for each in versions if each.mac == after[file].mac]
        if same_mac and after[file].has_stale_mac(same_mac[-1]):
            yield _stale_mac_error(file)


def _stale_mac_error(file: str) -> Diagnostic:
    message = "values changed and the MAC of the file did not: no key decrypts it after this change"
    hint = "restore the file from git and repeat the change with sops or `keyturn secret set`"
    return error_diagnostic("KT221", SourceLocation(file), message, hint, cause=Cause.MAC_MISMATCH)
