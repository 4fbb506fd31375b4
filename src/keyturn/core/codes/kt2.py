"""KT2xx: the SOPS envelope, the seal and integrity."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.codes.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "KT201": Code(
            "the file has secrets but is not encrypted",
            "What is under `secrets:` stands there in clear, and is in git as soon as it is committed.",
            "Run `sops encrypt --in-place FILE`. If it was pushed, treat the secret as lost: rotate it.",
        ),
        "KT202": Code(
            "the sops: block is not as sops writes it",
            "The block says who can decrypt and where keys are asked for, so nothing unknown in it is let "
            "pass.",
            "Take the file back from git, or encrypt it again.",
        ),
        "KT203": Code(
            "the file has no MAC",
            "Without it, values can be changed, added and removed by anybody.",
            "Take the file back from git, or encrypt it again; never with --ignore-mac.",
        ),
        "KT204": Code(
            "the MAC covers encrypted values only",
            "With mac_only_encrypted anybody can change the host that a password is sent to.",
            "Remove mac_only_encrypted from .sops.yaml and encrypt the file again.",
        ),
        "KT205": Code(
            "the file was encrypted by too old a sops",
            "Before 3.0 the format had other rules.",
            "Encrypt it again with a current sops (`sops rotate --in-place FILE`).",
        ),
        "KT206": Code(
            "a kind of key that policy does not allow",
            "The block names the services that are asked for the key, with your credentials. Only age and "
            "pgp ask nobody, so only they are allowed unless `policy.key_types` says more.",
            "Encrypt for age or pgp, or allow the kind in `policy.key_types`.",
        ),
        "KT207": Code(
            "a key server that policy does not allow",
            "sops sends your token to the address that the file names.",
            "Name the server in `policy.servers`, or remove it from the file (`sops rotate --rm-…`).",
        ),
        "KT208": Code(
            "the recipients are not those that policy names for the path",
            "Whoever is a recipient can read the secrets; whoever is missing cannot when it matters.",
            "Run `sops updatekeys FILE`. After a removal also `sops rotate --in-place FILE`, because a "
            "removed recipient still knows the data key, and rotate the secrets themselves.",
        ),
        "KT209": Code(
            "a secret field stands in clear",
            "It is readable to everybody who can read the repository.",
            "Set it with `keyturn secret set`. If it was pushed, treat it as lost: rotate it.",
        ),
        "KT210": Code(
            "an encrypted value outside secrets:",
            "It cannot be reviewed, and no schema says what it is for.",
            "Decrypt it, or move it under `secrets:`.",
        ),
        "KT211": Code(
            "an encrypted value is damaged",
            "It is not exactly ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]; sops itself takes what follows the"
            " bracket.",
            "Take the line back from git, or set the secret again.",
        ),
        "KT212": Code(
            "a secret is empty",
            "sops never encrypts an empty text or null, so anybody can put one in without the key, and an "
            "update would clear the live secret.",
            "Set it, remove the line, or name the field under `keep:`.",
        ),
        "KT213": Code(
            "a secret was encrypted as something other than text",
            "Without quotes, sops took it for a number, a boolean or a date: `0123` became 83 for good.",
            "Set it again with `keyturn secret set`.",
        ),
        "KT214": Code(
            "the selector is not that of the secrets: block",
            "What the selector leaves out, sops writes in clear the next time somebody adds a secret. What it "
            "covers beyond, and stands in clear, keeps the file from being opened.",
            "Encrypt the file again with `encrypted_regex: ^secrets$`, as `keyturn init` sets it.",
        ),
        "KT215": Code(
            "a comment in clear beside secrets",
            "Comments are where old passwords are left.",
            "Remove it, or move it above `secrets:` if it holds none.",
        ),
        "KT216": Code(
            "a list under secrets:",
            "The integrity check does not tell the items of a list apart.",
            "Give each secret a name of its own.",
        ),
        "KT220": Code(
            "none of the keys at hand opens the file",
            "There are keys, but none of them is a recipient's.",
            "Compare the recipients in the sops: block with your key (`age-keygen -y`), then ask a "
            "recipient to run `sops updatekeys`.",
        ),
        "KT221": Code(
            "the integrity check of the file failed",
            "The values are not those that were encrypted together: edited without the key, or merged by "
            "hand.",
            "Take the file back from git and make the change through sops or `keyturn secret set`.",
        ),
        "KT222": Code(
            "an encrypted value fails its authentication",
            "It was moved to another key, swapped, cut, or given another type.",
            "Take the file back from git and make the change through sops or `keyturn secret set`.",
        ),
        "KT223": Code(
            "sops refuses the file, or reads it differently",
            "What sops says is not shown, because it quotes values.",
            "Run `sops decrypt FILE` yourself.",
        ),
        "KT224": Code(
            "a secret is not text",
            "A number or boolean inside means that it was encrypted without quotes, and digits may be lost.",
            "Set it again with `keyturn secret set`.",
        ),
        "KT225": Code(
            "what was written does not decrypt to what was meant",
            "The file was left as it was.",
            "Run `keyturn doctor`; report it if sops is in order.",
        ),
        "KT226": Code(
            "the file changed while a secret was being set",
            "Somebody else wrote it in between; their change is kept.",
            "Look at the file, then run the command again.",
        ),
        "KT227": Code(
            "the file could not be encrypted",
            "Nothing says for whom, or sops refused the recipients.",
            "Name recipients in `policy.recipients`, or give `.sops.yaml` a rule for the path.",
        ),
        "KT228": Code(
            "sops cannot be told to set this field",
            "Its name holds a bracket, a quote or a backslash, and sops' notation for paths has no escape.",
            "Set it with `sops edit`.",
        ),
        "KT229": Code(
            "there is a file of this name already",
            "A new manifest never takes the place of another one.",
            "Choose another name, or set the values of the manifest that is there.",
        ),
    }
)
