"""KT350 to KT379: policy. Transport, separation of what must be apart, secrets where they do not belong."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.codes.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "KT350": Code(
            "TLS is off or too weak in production",
            "With `disable` the password crosses the network in the open; `allow` and `prefer` fall back to "
            "that as soon as somebody on the way asks for it.",
            "Set the mode to `require`, better `verify-full` with the authority's certificate.",
        ),
        "KT351": Code(
            "the server's certificate is not verified",
            "Encryption without verification protects from those who listen, not from those who answer in "
            "the server's name and are handed the password.",
            "Trust the authority that issued the certificate, and verify; waive the rule until you can.",
        ),
        "KT352": Code(
            "FTP is used",
            "FTP sends the password and the files in the open.",
            "Use SFTP, or FTP over TLS where the other side has nothing else.",
        ),
        "KT353": Code(
            "the host key of an SSH server is not pinned",
            "Whoever can answer in the bastion's place is handed the tunnel, and all that goes through it.",
            "Put the server's line of `ssh-keyscan`, checked by another way, into `known_hosts`.",
        ),
        "KT354": Code(
            "an address does not encrypt",
            "The credential is sent in the open with each request.",
            "Use the address that encrypts: https, wss, pulsar+ssl, ldaps.",
        ),
        "KT355": Code(
            "the TLS mode of a production connection is not stated",
            "What the service does without a stated mode is not documented; it may be `prefer`.",
            "State the mode: `require`, better `verify-full`.",
        ),
        "KT356": Code(
            "TLS is off outside a lab",
            "The password crosses the network in the open. Unless everything on that network may read it, "
            "it is known.",
            "Set the mode to `require`; label an isolated network's resources `environment: lab`.",
        ),
        "KT360": Code(
            "one client id is used in two environments",
            "Both environments then share one app at the vendor: revoking it for one revokes it for both, "
            "its limits are shared, and staging can act as production.",
            "Register an app for each environment.",
        ),
        "KT361": Code(
            "one secret is used in two environments",
            "Whoever can read the weaker environment's secret holds the stronger one's.",
            "Make a secret for each environment at the vendor, and set both anew.",
        ),
        "KT362": Code(
            "one secret is used in two credentials",
            "The two cannot be rotated or revoked one at a time, and no log can tell them apart.",
            "Make a secret for each, or keep one credential and attach it to both connections.",
        ),
        "KT363": Code(
            "one credential serves several workloads",
            "A bulk load that meets the vendor's limit then stops interactive work, and revoking one "
            "workload's access takes the other's too.",
            "Make a credential for each workload.",
        ),
        "KT364": Code(
            "connection and credential state different hosts",
            "Which of the two the service uses is not documented, so the secret may go to either.",
            "State the host in one of them, or make them agree.",
        ),
        "KT365": Code(
            "no manifest uses the credential",
            "A secret that nothing uses is risk without use. Something made outside git may still use it; "
            "`keyturn usage` asks the service.",
            "Look at `keyturn usage`, then remove the manifest; a retired credential can be restored.",
        ),
        "KT366": Code(
            "Azure OpenAI and OpenAI share a connection or credential",
            "They are different services under different contracts. A key that is offered to the wrong one "
            "is disclosed to it.",
            "Make a connection and a credential for each.",
        ),
        "KT367": Code(
            "the region contradicts the residency label",
            "Data that has to stay in one part of the world would be kept in another.",
            "Use the region that the label promises, one connection for each region.",
        ),
        "KT368": Code(
            "a replica's connection has the primary's host",
            "The load that was to be kept from the primary goes to it.",
            "State the replica's host, or name the connection for what it is.",
        ),
        "KT370": Code(
            "a connection's settings hold what looks like a secret",
            "A connection's settings are plain in git and are shown by the service. Only a credential keeps "
            "its secrets to itself.",
            "Move the value to a credential, under `secrets`, and change it: it has been in the open.",
        ),
        "KT371": Code(
            "a token stands in the open",
            "The text has the form of a known vendor's token, in a field that is plain in git and is shown "
            "by the service.",
            "Move it to a credential, under `secrets`, and revoke the one that stood here.",
        ),
        "KT372": Code(
            "text that looks random stands in the open",
            "It may be a key or a token. This is a guess from the text's randomness.",
            "If it is a secret, move it to a credential and change it; if it is not, waive the rule here.",
        ),
        "KT373": Code(
            "a private key stands in the open",
            "Everybody who can read the repository, and its history, holds the key.",
            "Move it to a credential, under `secrets`, and make a new key pair.",
        ),
        "KT374": Code(
            "a JSON web token stands in the open",
            "Whoever holds it is let in until it expires, and its parts can be read without any key.",
            "Move it to a credential, under `secrets`, and revoke the one that stood here.",
        ),
        "KT375": Code(
            "an address or connection string holds a password",
            "Addresses are plain in git, in logs and in the service's replies.",
            "Take the password out of the address, put it into a credential, and change it.",
        ),
        "KT376": Code(
            "policy does not say who may decrypt the file",
            "Without recipients for its path, a change that adds a reader to the file cannot be noticed.",
            "Add the folder and its recipients under `policy.recipients`.",
        ),
    }
)
