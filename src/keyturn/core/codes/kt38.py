"""KT380 to KT399: policy on what is inside the secrets, checked only where they were opened."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.codes.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "KT380": Code(
            "a key or certificate cannot be read",
            "The text is not a whole PEM block of the kind that the field is for; the service would store it "
            "and fail at the first use. A folded or indented block is the usual cause.",
            "Set it from the file: `keyturn secret set NAME FIELD < key.pem`.",
        ),
        "KT381": Code(
            "private key and certificate do not belong together",
            "The key is not the one that the certificate was issued for, so no login can succeed.",
            "Set both from the same issue.",
        ),
        "KT382": Code(
            "a service account's JSON is not whole",
            "Parts without which Google's libraries refuse it are missing, or it is no JSON.",
            "Download the key anew and set it from the file, unchanged.",
        ),
        "KT383": Code(
            "a service account's JSON contradicts the settings beside it",
            "The account or project inside differs from what the manifest states in plain text. A reviewer "
            "saw one, and the service would use the other.",
            "Correct the plain fields, or set the key of the right account.",
        ),
        "KT384": Code(
            "an AWS key does not have the form of one",
            "An access key id is 20 capitals and digits that begin with AKIA or ASIA, a secret key has 40 "
            "characters. A swapped or cut value is the usual cause.",
            "Set both values anew, from the same key.",
        ),
        "KT385": Code(
            "a secret begins or ends with a blank or newline",
            "The blank is part of the value that is sent. Logins then fail though the text looks right.",
            "Set it without: `printf %s VALUE | keyturn secret set NAME FIELD` does not add a newline.",
        ),
        "KT386": Code(
            "a connection string or signature lacks a part",
            "Without it no login can succeed. A value cut at `;` or `&` by a shell is the usual cause.",
            "Copy the whole value from the portal and set it from a file.",
        ),
        "KT387": Code(
            "a private key does not open with its passphrase",
            "Either the passphrase is not the key's, or it is missing, or the key needs none.",
            "Set key and passphrase together.",
        ),
        "KT388": Code(
            "a PFX file does not open with its password",
            "Either the password is not the file's, or the file is not a whole PKCS #12 in base64.",
            "Encode the file anew (`base64 < file.pfx`) and set it together with its password.",
        ),
        "KT389": Code(
            "a secret is a placeholder",
            "Words such as `changeme` were put there to be replaced.",
            "Set the real secret with `keyturn secret set`.",
        ),
        "KT390": Code(
            "a secret is very short",
            "Fewer than eight characters can be guessed.",
            "Make a longer one at the vendor, and set it; `keyturn secret set --generate` makes one.",
        ),
    }
)
