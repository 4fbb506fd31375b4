"""KT080 to KT089: what a check-up finds around a project."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.codes.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "KT080": Code(
            "more than one sops is on PATH",
            "Keyturn uses the first one; an editor, a hook or a colleague's shell may use another, and an "
            "older one refuses what a newer one wrote.",
            "Remove all but one, or put the newest first.",
        ),
        "KT081": Code(
            "a key file can be read by others",
            "Whoever can log in to this machine could decrypt every secret, or act on the workspace.",
            "Take the rights away (`chmod 600 FILE`); on a shared machine, replace the key as well.",
        ),
        "KT082": Code(
            "an API key has blanks or a newline around it",
            "They are taken off here. Other tools send them along, are refused, and print the key in their "
            "error.",
            "Set the variable anew without them.",
        ),
        "KT083": Code(
            "this machine's clock is wrong",
            "The age of a secret, the expiry of a certificate and of a saved plan are told by it.",
            "Set the clock by NTP.",
        ),
        "KT084": Code(
            "a variable of the environment is ignored",
            "Proxies, key logs and private CAs named by the environment would let somebody else in between "
            "keyturn and the API.",
            "Nothing to do. Where only a proxy leads out, run keyturn where the API is reached directly.",
        ),
        "KT085": Code(
            "nothing validates manifests before a commit",
            "A secret in clear is caught in CI only after it was pushed.",
            "Add the hook keyturn-validate to .pre-commit-config.yaml, and run `pre-commit install`.",
        ),
        "KT086": Code(
            "a run was cut off",
            "What it was writing may or may not have happened; the ledger remembers that it was begun.",
            "Run `keyturn apply`: it looks what became of each write before it does anything else.",
        ),
    }
)
