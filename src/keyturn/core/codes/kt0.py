"""KT0xx: the project, its environment and the tools."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.codes.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "KT001": Code(
            "there is no keyturn.yaml",
            "Everything that keyturn does begins with the project file: which organization, which folders, "
            "which ledger. It is looked for in this folder and above it, up to the top of the repository.",
            "Run `keyturn init` to make a project, or name its folder with `--chdir`.",
        ),
        "KT002": Code(
            "keyturn.yaml has a key that is not a setting",
            "A misspelt setting would be a setting that silently does nothing.",
            "Correct the name; the nearest known one is suggested.",
        ),
        "KT003": Code(
            "a setting of keyturn.yaml is missing or misshapen",
            "Without it keyturn would have to guess where to write, and as whom.",
            "Write the setting as the message says; `keyturn schema project` prints all of them.",
        ),
        "KT004": Code(
            "an address in keyturn.yaml is refused",
            "The API key is sent to `base_url`, so a changed address takes the key along. It is https, or "
            "http on the loopback interface, without user, query or fragment. A ledger is `file:` and a "
            "folder, or a bucket and a prefix behind `s3://`, `gs://` or `az://`.",
            "Correct the address. Credentials of a bucket come from the environment, never from its address.",
        ),
        "KT005": Code(
            "which workspace is meant is not clear",
            "A plan for the wrong workspace would be right in all but its target.",
            "Name it with `--workspace`.",
        ),
        "KT006": Code(
            "api_key does not say where the key is",
            "The key itself never stands in a file of the repository, nor in a flag.",
            "Write `api_key: {env: NAME}` or `api_key: {file: PATH}`. Revoke a key that was committed.",
        ),
        "KT007": Code(
            "a revision of git cannot be read",
            "Trusted settings and the manifests to compare with come from the revision that was named.",
            "Fetch it: CI clones are often shallow (`git fetch --unshallow`, or `fetch-depth: 0`).",
        ),
        "KT010": Code(
            "no sops is installed",
            "Whatever keyturn cannot open by itself, and everything that it writes, goes through the real "
            "sops.",
            "Install sops 3.9 or newer from getsops.io, or `pip install 'keyturn[sops]'`.",
        ),
        "KT011": Code(
            "sops is too old",
            "Reading needs the subcommands of 3.9; writing needs 3.11, which takes a value from stdin "
            "instead of from an argument that every user of the machine can see.",
            "Install a newer sops.",
        ),
        "KT012": Code(
            "sops did not run to its end",
            "It could not be started, or it waited for longer than a minute: for a passphrase, a smart card"
            " or a key command.",
            "Run `keyturn doctor`, then `sops decrypt` on the file by hand.",
        ),
        "KT020": Code(
            "there is no key to decrypt with",
            "The places where sops looks were looked through: SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, "
            "SOPS_AGE_KEY_CMD, the key file below the configuration folder.",
            "Set one of them, or plan with `--offline`, which needs no key.",
        ),
        "KT021": Code(
            "a key source cannot be read",
            "sops passes over a broken source as long as another one fits, so a bad key in CI goes unseen "
            "until the good one is gone.",
            "Correct or unset the variable that the message names.",
        ),
        "KT030": Code(
            "there is no API key",
            "Without a key nothing can be read from the workspace. Keyturn takes it from the variable or the file that keyturn.yaml names, never from a flag.",
            "Set the variable or write the file; use a service key with the scopes connections:read and connections:write.",
        ),
        "KT040": Code(
            "the fingerprint key is missing or damaged",
            "Secrets are compared by keyed fingerprints, because the API never returns one. The key lies SOPS-encrypted in the repository.",
            "Restore the file from git. A new key would make every secret look rotated.",
        ),
        "KT041": Code(
            "there is no credential of this name",
            "A secret is written into the manifest of the credential that is named.",
            "Name the credential as its file is named, without .yaml.",
        ),
        "KT042": Code(
            "the demo needs the emulator",
            "The demo talks to a real server on loopback, which comes as an extra.",
            "Install it: pip install 'keyturn[emulator,sops]'.",
        ),
        "KT043": Code(
            "a credential of this type has no such secret field",
            "A field that the schema does not know would be written, encrypted, and then refused by every command.",
            "Name one of the fields that the message lists; `keyturn schema credential` describes them.",
        ),
        "KT044": Code(
            "a file belongs to no workspace",
            "Only files below a workspace's manifests are planned and applied, so a file elsewhere does nothing.",
            "Move it below a folder under manifests: in keyturn.yaml, or add its folder there.",
        ),
        "KT045": Code(
            "a file cannot be read or written",
            "The machine refused it: the path is not there, or the rights, or the room on the disk are missing.",
            "Check the path that the message names, who may write there, and how much room is left.",
        ),
        "KT031": Code(
            "keys are refused for an untrusted event",
            "A pull request from a fork, or one that runs with the base's secrets, could make keyturn decrypt or send secrets for a stranger.",
            "Use keyturn plan --offline there; where the event is known to be safe, set KEYTURN_TRUST_EVENT=1.",
        ),
    }
)
