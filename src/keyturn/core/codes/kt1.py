"""KT1xx: reading YAML, files and schemas."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.codes.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "KT101": Code(
            "the file is not UTF-8",
            "Readers disagree about any other encoding, and UTF-16 hides from most reviews.",
            "Save it as UTF-8; a byte order mark does no harm.",
        ),
        "KT102": Code(
            "the file holds a character that is not allowed",
            "Control characters and those that turn the direction of text make a file look other than it is.",
            "Remove it, or write it as an escape inside double quotes.",
        ),
        "KT103": Code(
            "the file holds a merge conflict",
            "Two branches changed the file. Picking lines from both sides never works with SOPS: the "
            "integrity check covers the whole file.",
            "Take one side whole (`git checkout --ours FILE` or `--theirs`), then make the other side's "
            "change again, secrets with `keyturn secret set`.",
        ),
        "KT104": Code(
            "the file is larger than 1 MiB",
            "A manifest describes one resource; what is this large is something else, or an attack.",
            "Split it: one resource per file.",
        ),
        "KT105": Code(
            "a tab where YAML wants blanks",
            "YAML indents with blanks alone.",
            "Replace the tab; most editors do so for *.yaml when told.",
        ),
        "KT106": Code(
            "the file is not YAML",
            "The parser stopped at this place; the cause is often on the line above.",
            "Look for a missing quote, colon or bracket, and for indentation that does not line up.",
        ),
        "KT107": Code(
            "a second document in one file",
            "sops reads the metadata of the first document only, and prints the first one only.",
            "Move the second document into a file of its own.",
        ),
        "KT108": Code(
            "the file holds no keys",
            "A manifest is a mapping that begins with `kind:` and `name:`. A file that holds nothing but a "
            "path is what a symlink looks like where symlinks are switched off.",
            "Fill the file or remove it.",
        ),
        "KT109": Code(
            "anchors, aliases and merge keys are not read",
            "They make what is reviewed differ from what is meant, a few lines of them expand to gigabytes,"
            " and sops writes them out anyway.",
            "Write the value where it is used.",
        ),
        "KT110": Code(
            "tags and directives are not read",
            "A tag asks the reader to make something other than text, numbers, lists and mappings; sops "
            "drops it.",
            "Remove it; put quotes around text.",
        ),
        "KT111": Code(
            "a key stands twice",
            "Readers take the first, or the last, or refuse: the file means different things to each of "
            "them.",
            "Remove one of the two.",
        ),
        "KT112": Code(
            "a key is not text",
            "`on`, `1` or `null` as a key is text to some readers and something else to others.",
            "Put the key in quotes.",
        ),
        "KT113": Code(
            "an unquoted value that readers take differently",
            '`0123` is 83 to sops, 123 to a person and "0123" to neither; `no`, `1e5`, `12:30` and dates fare '
            "alike. sops writes its own reading back, so such a password is lost for good when it is "
            "encrypted.",
            "Put the value in quotes if it is text. Write numbers plainly.",
        ),
        "KT114": Code(
            "the file, or its folder, nests too deep or holds too much",
            "Manifests are flat; what is deeper than 64 levels or has more than 20,000 values is not one.",
            "Unfold it.",
        ),
        "KT120": Code(
            "not a regular file",
            "A symlink can lead out of the repository, a pipe never ends, a device is no file. None of them"
            " shows in a review what it holds.",
            "Put the file itself there.",
        ),
        "KT121": Code(
            "a path leads out of the project",
            "Only files below keyturn.yaml are read.",
            "Move the manifest, or run keyturn in the other project.",
        ),
        "KT122": Code(
            "two names differ in case alone",
            "On the disks of macOS and Windows they are one file, and one of the two resources would vanish.",
            "Rename one of them.",
        ),
        "KT123": Code(
            "a folder is missing or holds no manifest",
            "An empty folder means `retire everything`, which is more often a wrong path than a wish.",
            "Correct `manifests:` in keyturn.yaml, or add the first manifest.",
        ),
        "KT124": Code(
            "the file cannot be read",
            "The operating system refused.",
            "Check its permissions and those of the folders above it.",
        ),
    }
)
