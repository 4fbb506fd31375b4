"""KT4xx: references, plans and guards."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.codes.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "KT451": Code(
            "a secret meets a new destination",
            "The host, account, proxy or TLS setting changes while the stored secret stays, or a connection "
            "points a credential at a host where it was never sent. Whoever runs that host would receive it.",
            "Set a new secret in the same change, or agree by name with --allow-destination-change NAME.",
        ),
        "KT452": Code(
            "too many resources would be retired",
            "A wrong folder, a bad merge or a lost page looks like a mass delete. The budget stands under "
            "policy.limits.retire in keyturn.yaml.",
            "Look at what is retired; if it is meant, agree with --allow-retire N.",
        ),
        "KT453": Code(
            "too many credentials would rotate",
            "When most secrets change at once, the fingerprint key changed or files were re-encrypted with "
            "other content far more often than somebody rotated everything.",
            "Check the fingerprint key's history; if it is meant, agree with --allow-rotate N.",
        ),
        "KT454": Code(
            "a protected resource lost its manifest",
            "Protection counts if the ledger or the manifest says so, so that removing a file together with "
            "its protect flag does not slip through in one pull request.",
            "Bring the manifest back with protect: false, apply, then remove it in a change of its own.",
        ),
        "KT455": Code(
            "a retire and a create look like one rename",
            "Destroying and creating gives a new id: connections break and secrets are sent again. A rename "
            "keeps the id.",
            "Write moved_from: OLD-NAME in the new manifest, or make the two changes apart.",
        ),
        "KT456": Code(
            "no manifest is left",
            "An empty folder would retire everything that the ledger holds. It is nearly always a wrong path.",
            "Check manifests: in keyturn.yaml; if it is meant, agree with --allow-empty.",
        ),
        "KT457": Code(
            "an object of this name is not ours",
            "Keyturn never touches what it does not own, and taking an object over writes all its fields and "
            "secrets.",
            "Agree with --adopt NAME (or --adopt '*' after a ledger was lost), or choose another name.",
        ),
        "KT458": Code(
            "a resource that would be retired is still used",
            "Connections or pipelines that are not in git still use it and would fail at their next run.",
            "Detach it there, or bring the manifest back.",
        ),
        "KT459": Code(
            "an earlier secret returns",
            "A value that was in use before is a rollback that somebody means, or an old file that somebody "
            "replayed after the secret was changed for a reason.",
            "If it is meant, agree with --allow-reuse NAME.",
        ),
        "KT460": Code(
            "a target names nothing",
            "A typing mistake in --target would give an empty plan that reads like success.",
            "Write credential/NAME, connection/NAME, or a pattern in quotes.",
        ),
        "KT461": Code(
            "one name, several objects",
            "The service holds more than one active object of this name, so that a name no longer says which.",
            "Rename or delete the ones that are not ours in the Planasonix UI.",
        ),
        "KT462": Code(
            "two manifests claim one resource",
            "The key moved_from says that this manifest used to have another name, but another manifest holds or "
            "claims that name too.",
            "Leave moved_from in one of them and remove the old manifest.",
        ),
        "KT463": Code(
            "a secret could not be compared",
            "The file changed since it was last applied and no decryption key was at hand, so whether its "
            "secret changed is unknown. Nothing is applied on a guess.",
            "Provide the key (SOPS_AGE_KEY_FILE or what your sops uses), or plan with --offline.",
        ),
        "KT464": Code(
            "a live secret may have been edited",
            "The object was written after keyturn's last write and no visible field explains it. The API "
            "returns no secret, so this cannot be told apart from a harmless save.",
            "Write the secret again with keyturn apply --reassert NAME, or leave it.",
        ),
        "KT465": Code(
            "an OAuth credential needs consent",
            "A new or replaced OAuth credential holds no refresh token until a person clicks Authorize on the "
            "connection; no API does that.",
            "Open the connection in Planasonix and authorize it after the apply.",
        ),
        "KT466": Code(
            "an earlier run left something open",
            "A previous apply ended between a request and its answer, and looking did not settle what became "
            "of it.",
            "Do what the message says; keyturn does not guess.",
        ),
        "KT467": Code(
            "the plan would pass a limit of the organization",
            "The service refuses creates over its limit, and an apply would end half-way.",
            "Retire what is unused first, or ask for a higher limit.",
        ),
        "KT469": Code(
            "something revoked or deleted would come back",
            "Somebody took it away in an emergency or in the UI. An apply that quietly brought it back would undo that.",
            "Remove the manifest, or agree with --allow-restore NAME.",
        ),
        "KT470": Code(
            "nothing to revoke",
            "A revocation is asked by the exact name of a live credential.",
            "Look at the name in the Planasonix UI, or with keyturn usage.",
        ),
        "KT471": Code(
            "only what was retired can be purged",
            "A purge cannot be undone, so it is a second step after a retirement, and never part of an apply.",
            "Remove the manifest, apply, and purge then.",
        ),
        "KT472": Code(
            "a secret to be kept is nowhere",
            "A manifest that keeps a secret leaves its live value alone. The object is gone, or a new one takes its place, and the service tells nobody what the value was.",
            "Set the secret in git and take it out of `keep:`; then plan again.",
        ),
        "KT468": Code(
            "changes wait for each other",
            "A cycle of references has no first step.",
            "Break the cycle that the message names.",
        ),
        "KT480": Code(
            "somebody can decrypt a file from now on",
            "Access to secrets widens by one line of metadata that nobody reads. Who gains it is part of what is reviewed.",
            "Make sure that it is meant; policy.recipients in keyturn.yaml names who may.",
        ),
        "KT481": Code(
            "somebody who was removed still has the data key",
            "`sops updatekeys` removes a recipient and keeps the data key, so that whoever had it can read this file and its future values.",
            "Run sops rotate on the file and set new secrets.",
        ),
        "KT482": Code(
            "somebody can no longer decrypt a file",
            "Fewer readers is usually what is meant, and sometimes a deployment that will fail.",
            "If the key left with a person, set new secrets: the old ones were readable.",
        ),
        "KT483": Code(
            "a setting that guards the project changed",
            "A pull request that changes where the API is, who may decrypt or how much may be retired changes the rules by which it is judged.",
            "Review it like code that handles secrets; plan with --config-from to judge by the rules of another revision.",
        ),
        "KT484": Code(
            "a data key was wrapped again",
            "Only the list of those who can decrypt was written anew, as `sops updatekeys` does. The secrets "
            "are the ones that they were.",
            "Nothing to do. After somebody lost access, run `sops rotate` and set new secrets.",
        ),
        "KT485": Code(
            "who gained or lost access is not known",
            "The review compares with the revision where this branch began, and git knows none here.",
            "Fetch the whole history, or name a revision with --base.",
        ),
    }
)
