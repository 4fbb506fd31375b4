"""KT070 to KT079: what a command beside the plan was asked for and cannot find."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.codes.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "KT070": Code(
            "there is no live connection of this name",
            "A test that silently tests nothing would look like one that passed.",
            "Name the connection as Planasonix does, or with a pattern; check what the API key may see.",
        ),
        "KT071": Code(
            "there is no manifest of this name",
            "Drift is written into the manifest that describes the object; what is not in git is imported.",
            "Correct the name, or run `keyturn import NAME` for an object that was made in the UI.",
        ),
        "KT073": Code(
            "an import would write where no plan looks",
            "A manifest outside of a workspace's folders is neither checked nor applied.",
            "Choose a folder below one under `manifests:` of the workspace, or add it there.",
        ),
        "KT074": Code(
            "a secret is kept as it is live",
            "The value stands in no file: git cannot bring it back, and nobody knows how old it is.",
            "Nothing to do for now; `keyturn secret set NAME FIELD` puts a value into git.",
        ),
    }
)
