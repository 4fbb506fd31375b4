"""KT3xx: policy. Waivers and settings, labels and names, age and expiry, lasting keys, privilege."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.codes import kt35, kt38
from keyturn.core.codes.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "KT300": Code(
            "a waiver gives no reason",
            "A waiver is a decision that somebody will ask about. Without a reason nobody can tell later "
            "whether it still holds, so it lifts nothing.",
            "Say in `reason` why the rule does not apply here, or remove the waiver and fix the finding.",
        ),
        "KT301": Code(
            "a waiver names something that cannot be waived",
            "Only the rules of policy (KT310 to KT399) can be waived in a manifest. What protects the secret "
            "itself, its seal, its recipients and the form of the file, cannot be lifted by the file it "
            "protects.",
            "Fix the finding that the code stands for; if the code was mistyped, correct it.",
        ),
        "KT302": Code(
            "a waiver lifts nothing",
            "The rule it names has no finding in this manifest any more. A waiver that stays behind will "
            "silently hide the next one.",
            "Remove the waiver.",
        ),
        "KT303": Code(
            "an unknown setting in the policy section",
            "A misspelt setting would be ignored, and the policy that was meant would not hold.",
            "Correct the name; `keyturn schema project` prints what the section takes.",
        ),
        "KT304": Code(
            "a setting of policy has the wrong form",
            "The value cannot be understood, so the policy that was meant would not hold.",
            "Write the value as the message says.",
        ),
        "KT305": Code(
            "the level of something that is no rule is set",
            "Only the rules of policy (KT310 to KT399) have a level. Anything else would read as if a check "
            "were off that is not.",
            "Correct the code; `keyturn explain CODE` says what each one means.",
        ),
        "KT310": Code(
            "a required label is missing",
            "Labels say which environment and system a credential belongs to and who answers for it. They "
            "are what a reviewer sorts by, and whom the quarterly review asks.",
            "Add the label under `labels`.",
        ),
        "KT311": Code(
            "the name does not begin with the prefix of its environment",
            "In the vendor's screens a credential is picked by its name. A prefix such as `prod-` makes a "
            "wrong attachment visible at a glance.",
            "Rename the file and its `name`, and keep the old name in `moved_from`; or correct the label.",
        ),
        "KT312": Code(
            "a connection uses a credential of another environment",
            "A production connection with a staging credential breaks when staging is torn down; a staging "
            "connection with a production credential lets tests write to production.",
            "Attach a credential of the same environment.",
        ),
        "KT313": Code(
            "the name does not say which system it is for",
            "Names made of environment and system (`prod-salesforce`, `prod-postgres-replica`) can be "
            "understood where labels cannot be seen: in the vendor's lists, in logs and in alerts.",
            "Put the system's label into the name, and keep the old name in `moved_from`.",
        ),
        "KT314": Code(
            "the environment is not one that the project knows",
            "Rules about production and about crossing environments look at this label. A misspelt one takes "
            "the resource out of all of them.",
            "Correct the label, or add the environment under `policy.environments`.",
        ),
        "KT315": Code(
            "a resource for AI models has no cost center",
            "Usage of models is billed by key. Without a cost center on the key nobody can say whose bill "
            "it is.",
            "Add the label `cost_center`.",
        ),
        "KT316": Code(
            "the connector's type looks misspelt",
            "Any type is accepted, for the gallery has more connectors than are documented. So a slip of the "
            "pen is no error: the settings below it are not checked, and the service refuses it at the apply.",
            "Correct the type; if the gallery of your deployment has it, waive the rule here.",
        ),
        "KT320": Code(
            "rotation is overdue",
            "The secret is older than its manifest or the policy allows. The longer a secret lives, the more "
            "places have seen it.",
            "Make a new secret at the vendor and set it with `keyturn secret set`.",
        ),
        "KT321": Code(
            "rotation is due soon",
            "The secret reaches the age that its manifest or the policy allows within the days of notice.",
            "Plan the rotation: new secret at the vendor, then `keyturn secret set`.",
        ),
        "KT322": Code(
            "something has expired",
            "An expired certificate, token or client secret fails every pipeline that uses it, often with a "
            "message that names neither.",
            "Renew it at its issuer, set it with `keyturn secret set` and record the new expiry.",
        ),
        "KT323": Code(
            "something expires soon",
            "When it expires, every pipeline that uses it fails at its next run.",
            "Renew it at its issuer before then, set it with `keyturn secret set` and record the new expiry.",
        ),
        "KT324": Code(
            "an expiry is not recorded",
            "Client secrets and shared access signatures of Azure always expire, and nothing in them or in "
            "the service warns of it. Unless the date is written down, the first warning is the failure.",
            'Write the date as the label `expires`, in quotes: `expires: "2030-01-31"`.',
        ),
        "KT325": Code(
            "no age is set for rotation",
            "Without `rotation.max_age` here or in the policy nobody is told when a secret has become old.",
            "Set `rotation: {max_age: 90d}` in the manifest, or `policy.rotation.max_age` for all of them.",
        ),
        "KT326": Code(
            "the age for rotation is longer than policy allows",
            "The manifest gives itself more time than the project's policy.",
            "Lower `rotation.max_age`, or waive the rule here with the reason.",
        ),
        "KT327": Code(
            "the age of secrets cannot be told",
            "No ledger says when the secret last changed, and git's history of its ciphertext is shallow or "
            "cannot be read. Nothing is reported as overdue, which does not mean that nothing is.",
            "Fetch the whole history (`git fetch --unshallow`, in CI `fetch-depth: 0`).",
        ),
        "KT328": Code(
            "a recorded expiry is not a date",
            "A date that cannot be read warns of nothing.",
            'Write the label as year, month and day, in quotes: `expires: "2030-01-31"`.',
        ),
        "KT330": Code(
            "a static AWS access key is used",
            "Access keys live until somebody deletes them, and work from anywhere. A role that is assumed "
            "gives keys of an hour.",
            "Use `role_arn` with an external id instead of the key; waive the rule where that is impossible.",
        ),
        "KT331": Code(
            "a service-account key of Google Cloud is used",
            "The key in a service account's JSON does not expire, and works from anywhere.",
            "Use workload identity federation; waive the rule where that is impossible.",
        ),
        "KT332": Code(
            "an account key of Azure storage is used",
            "An account key, or a connection string that holds one, opens the whole storage account, cannot "
            "be narrowed and does not expire.",
            "Use a managed identity or a service principal with a role on the container.",
        ),
        "KT333": Code(
            "a managed database of AWS is opened with a password",
            "RDS, Aurora and Redshift accept IAM authentication, whose tokens live for minutes.",
            "Where the connector allows it, attach an aws credential and use IAM authentication.",
        ),
        "KT334": Code(
            "consent of a person is used where an unattended way exists",
            "An authorization that a person gave in a browser ends when the person leaves or changes the "
            "password. Salesforce's JWT bearer flow does not.",
            "Use the JWT bearer flow, or authorize under a shared integration user and waive the rule.",
        ),
        "KT335": Code(
            "the account looks like a person's own",
            "When that person leaves, the account is closed and every pipeline that uses it stops; until "
            "then what pipelines do is recorded under the person's name.",
            "Use a service user or a shared integration user.",
        ),
        "KT340": Code(
            "a role or user with far-reaching rights is used",
            "A pipeline needs a few tables. With an administrator's role, whoever gets the credential gets "
            "everything, and a mistake in a pipeline has no bounds.",
            "Make a role or user with the rights that the pipelines need, and name it here.",
        ),
        "KT341": Code(
            "a resource is shared with the whole organization",
            "A connection that is published to everyone is a key that everyone holds.",
            "Share it with the projects or teams that need it.",
        ),
        **kt35.CODES,
        **kt38.CODES,
    }
)
