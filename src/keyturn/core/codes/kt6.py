"""KT6xx: the ledger, its lock and journal, saved plans."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.codes.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "KT600": Code(
            "the ledger is damaged",
            "The document states a digest of its own content. It was edited by hand, merged by git or "
            "hurt by the disk, and a plan made from it could write to the wrong objects.",
            "Restore ledger.json from a backup. Without one, move it away: it is rebuilt from the "
            "journal beside it, and what the journal no longer has is found again by name.",
        ),
        "KT601": Code(
            "the ledger belongs to another workspace",
            "Document or journal name another workspace or organization than keyturn.yaml does. To go "
            "on would hold the objects of one tenant for those of another.",
            "Give each workspace a place of its own under `ledger:`, and check `organization`.",
        ),
        "KT602": Code(
            "a newer keyturn wrote the ledger",
            "It holds things that this version would overlook, and so overwrite.",
            "Use the version that wrote it or a newer one; `keyturn log` names it.",
        ),
        "KT603": Code(
            "the ledger's address is not understood",
            "A ledger is kept in a folder or in a bucket. Credentials and tokens do not belong into its "
            "address: the project file is read by everybody.",
            "Write file:FOLDER, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX.",
        ),
        "KT604": Code(
            "the ledger cannot be reached",
            "Without it nobody knows which objects are ours, and nothing is written without a journal.",
            "Check network, endpoint and credentials, or the disk; then run again.",
        ),
        "KT605": Code(
            "access to the ledger is refused",
            "Reading, writing and listing are needed; a plan writes nothing but still reads.",
            "For a folder, check owner and mount; for a bucket, the rights of the identity in use.",
        ),
        "KT606": Code(
            "the ledger moved meanwhile",
            "Somebody wrote the document between our reading and our writing. Nothing of theirs was "
            "overwritten, and all of ours is in the journal.",
            "Run `keyturn plan`: it reads both.",
        ),
        "KT607": Code(
            "the ledger is not a regular file",
            "A link, a pipe or a folder stands where a file of the ledger belongs. Following it could "
            "write to a place that nobody reviewed.",
            "Remove it, or name another place under `ledger:`.",
        ),
        "KT608": Code(
            "no room for the ledger",
            "What cannot be recorded is not done: no request is sent before its intent is on disk.",
            "Make room, then run again.",
        ),
        "KT609": Code(
            "the ledger's bucket does not exist",
            "Buckets are not made by keyturn: who owns one and how long it is kept is for you to decide.",
            "Make the bucket (with versioning), or correct its name under `ledger:`.",
        ),
        "KT610": Code(
            "somebody else holds the lock",
            "Two applies at a time would create things twice.",
            "Wait with --lock-timeout. If that run is dead, `keyturn unlock ID`; a lease that ended is "
            "taken over by itself after a while.",
        ),
        "KT611": Code(
            "the lock is no longer ours",
            "This run was stopped for longer than its lease, or somebody took the lock away. Another "
            "run may be writing by now, so this one stopped.",
            "Run `keyturn plan`: what was under way is looked up first.",
        ),
        "KT612": Code(
            "not the lock that was meant",
            "`unlock` takes the id of the lock as it stands, so that a run begun since is not disturbed.",
            "Use the id that the message names, if that run is really dead.",
        ),
        "KT613": Code(
            "the lock's record is damaged",
            "It cannot be told who holds the lock, nor whether they still do.",
            "Make sure that no keyturn is running, then `keyturn unlock` with the id in the message.",
        ),
        "KT620": Code(
            "the journal was changed",
            "Each record carries the hash of the one before. One was edited, lost or moved: what it says "
            "of things under way cannot be relied on.",
            "See `keyturn log --verify` for the place. Put an untouched copy back, or move the journal away.",
        ),
        "KT622": Code(
            "the journal is not the ledger's",
            "The document names the record that it goes up to, and the journal does not hold it: an "
            "older copy came back, or the journal of another place.",
            "Put the right journal back; or move it away, and the ledger goes on with a new one.",
        ),
        "KT623": Code(
            "an older ledger came back",
            "The journal knows of a later document than the one that was found. It was brought up to "
            "date from the journal, but something restores old copies.",
            "See what restores it: a cache of the CI, a backup, a second clone.",
        ),
        "KT624": Code(
            "the journal, or its beginning, is gone",
            "Requests whose end was not known are remembered there. Without it, nothing is assumed of "
            "them, and they are not looked up.",
            "Put it back if you have it. Otherwise review the next plan closely.",
        ),
        "KT625": Code(
            "the journal was interrupted",
            "A write ended in a way that leaves open how much of it is on disk; nothing more was done.",
            "Apply again: what was under way is looked up first.",
        ),
        "KT626": Code(
            "somebody else wrote into the journal",
            "The lock keeps writers apart; whoever lost it is stopped here.",
            "See `keyturn log` for who it was, and plan again.",
        ),
        "KT650": Code(
            "a saved plan cannot be trusted",
            "The file was changed, cut short, made for another workspace or by somebody who cannot decrypt the repository.",
            "Make a new plan with keyturn plan --out FILE.",
        ),
        "KT651": Code(
            "a saved plan expired",
            "What was reviewed long ago may no longer be what anybody wants.",
            "Make a new plan and have it reviewed.",
        ),
        "KT652": Code(
            "things moved since the review",
            "Approval binds what was reviewed: operations, encrypted secrets, manifests and the state of each live object.",
            "Look at what moved, plan again, and have the new plan reviewed.",
        ),
    }
)
