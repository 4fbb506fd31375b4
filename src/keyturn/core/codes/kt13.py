"""KT130 to KT149: manifests against their schemas, and names against their files."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.codes.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "KT130": Code(
            "the kind of a manifest is missing or unknown",
            "The kind says which schema a file must fit and which part of the service it describes.",
            "Begin the file with `kind: credential` or `kind: connection`.",
        ),
        "KT131": Code(
            "an unknown field",
            "A misspelt field would be ignored by the service, and what was meant would not be set.",
            "Correct the name; `keyturn schema KIND` prints the fields. A field of a connector that keyturn "
            "does not know, and that you know to be right, is named under `undocumented`.",
        ),
        "KT132": Code(
            "a field is missing",
            "Without it the resource cannot work.",
            "Add the field. A secret goes under `secrets`, or is named under `keep` where the value that the "
            "service has is to stay.",
        ),
        "KT133": Code(
            "a value has the wrong form",
            "The service, or sops on the way, would read it as something else, or refuse it.",
            "Write the value as the message says. Text that looks like a number goes in quotes.",
        ),
        "KT134": Code(
            "a value is none of those that are allowed",
            "The field has a closed list of values.",
            "Take one of the values in the hint.",
        ),
        "KT135": Code(
            "a secret stands under config",
            "What is under config is plain in git, in review and in the service's answers.",
            "Move it under secrets and encrypt it. If it was committed in clear, make a new secret.",
        ),
        "KT136": Code(
            "a plain field stands under secrets",
            "What is encrypted cannot be reviewed, and the seal does not bind it.",
            "Move it under config.",
        ),
        "KT137": Code(
            "none of the alternatives of a credential type is whole",
            "A credential type can be given in several ways; each needs all of its fields.",
            "Complete one of the alternatives that the hint names.",
        ),
        "KT138": Code(
            "two alternatives of a credential type stand together",
            "Which of the two the service would use is not documented.",
            "Keep the fields of one alternative and remove the others.",
        ),
        "KT139": Code(
            "a value is empty",
            "An empty value says neither that a field is unset nor what it should be.",
            "Give it a value, or remove the field.",
        ),
        "KT140": Code(
            "a token of a consent is the service's",
            "Refresh and access tokens are written by the service when a person clicks Authorize on the "
            "connection; one that is sent would replace the consent.",
            "Remove the field, apply, then authorize the connection in Planasonix.",
        ),
        "KT141": Code(
            "a manifest is not called after its file",
            "The file's name without .yaml is the resource's name, so that a reader finds one by the other "
            "and a copied file is noticed.",
            "Rename the file or correct the name; for a rename of the resource keep the old name in "
            "`moved_from`.",
        ),
        "KT142": Code(
            "two manifests describe one resource",
            "Names are unique within a workspace; which of the two should win cannot be known.",
            "Remove one of the two, or give it another name.",
        ),
        "KT143": Code(
            "a file changed while it was read",
            "What was checked is not what would be decrypted.",
            "Run the command again.",
        ),
        "KT144": Code(
            "a secret is both given and kept",
            "`keep` says that the service's value stays, and `secrets` gives another; the given one counts.",
            "Remove it from keep.",
        ),
    }
)
