"""KT250 to KT299: refused for integrity; the exit code is 5."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.codes.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "KT250": Code(
            "the secrets carry no seal",
            "SOPS does not bind a secret to its host: without a seal, somebody without any key can move "
            "bytes between plain fields so that the secret is sent elsewhere.",
            "Whoever holds the key looks at the file and runs `keyturn seal FILE`.",
        ),
        "KT251": Code(
            "the seal does not hold",
            "The secrets were approved for another name or destination than the file now states. Either "
            "somebody changed host, user or the like without sealing it again, or the file was tampered "
            "with in a way that sops accepts.",
            "If the change is meant, whoever holds the key looks at it and runs `keyturn seal FILE`. If it is "
            "not, take the file back from git.",
        ),
        "KT252": Code(
            "the decrypted secrets are not those that the file shows",
            "Other fields came out than the schema was asked about.",
            "Set the secrets again with `keyturn secret set`.",
        ),
        "KT253": Code(
            "a secret is empty inside",
            "An empty secret would replace a working one.",
            "Set it with `keyturn secret set`, or remove the field.",
        ),
        "KT254": Code(
            "an encrypted manifest stands in a file of another name",
            "SOPS does not bind a file to its name: a copy opens like the original, and one resource's "
            "secrets would be sent in another's name.",
            "Remove the copy. For a rename, change the file's name and its `name` together and seal it.",
        ),
        "KT255": Code(
            "an empty value in an encrypted file",
            "Null, empty text and empty collections are left out of SOPS's integrity check, so anybody can "
            "add them; an empty `proxy` or `host` may change where a secret goes.",
            "Remove it, or give it a value and encrypt the file again.",
        ),
    }
)
