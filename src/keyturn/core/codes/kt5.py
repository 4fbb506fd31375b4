"""KT5xx: the service."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.core.codes.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "KT501": Code(
            "the service refused a request",
            "It answered that the request is not acceptable, and did nothing. Asking again would give the "
            "same answer.",
            "Correct what the message names, in the manifest or in keyturn.yaml, and apply again.",
        ),
        "KT502": Code(
            "the API key is not accepted",
            "The key is missing, mistyped, expired or revoked. The service does not say which.",
            "Make a new service key in Planasonix under API keys, and put it where keyturn.yaml says that "
            "the key is read from.",
        ),
        "KT503": Code(
            "the API key is valid but may not do this",
            "Either a scope is missing, or a policy on the resource forbids it, or the address that this "
            "machine calls from is not on the organization's IP allow-list.",
            "Give the key the scopes connections:read, connections:write and connectors:read (for usage "
            "also pipelines:read and schedules:read), look at the resource's policy, and at the allow-list.",
        ),
        "KT504": Code(
            "the service does not know the object",
            "It was removed, or it belongs to another organization, or the key may not see it: the service "
            "answers the same in all three cases.",
            "Run `keyturn plan` again; if the object exists in Planasonix, check the organization and the "
            "rights of the key.",
        ),
        "KT505": Code(
            "the object is in another state than the request needs",
            "A name is taken, or the object is still in use, or somebody changed it meanwhile.",
            "Run `keyturn plan` again: it reads anew and says what is in the way.",
        ),
        "KT506": Code(
            "the service asks to slow down",
            "More requests came than the organization or the key may make in a minute. Nothing was done.",
            "Wait and run again, or set a lower `pace` for the workspace in keyturn.yaml.",
        ),
        "KT507": Code(
            "it is not known whether a request was carried out",
            "It was sent and no usable answer came: a timeout, a broken connection, an error on the side of "
            "the service. The change may have happened. Keyturn does not guess; it looks.",
            "Run `keyturn apply` again: it first resolves what was left open, by looking at the service.",
        ),
        "KT508": Code(
            "the service cannot be reached",
            "No connection was made, so nothing was sent.",
            "Check base_url in keyturn.yaml, the network, and the proxy setting. Keyturn ignores proxy "
            "variables of the environment on purpose.",
        ),
        "KT509": Code(
            "an answer of the service cannot be understood",
            "It is no JSON, or it has none of the forms that are known. Taking it for an empty list would "
            "turn a misunderstanding into deletions.",
            "Check that base_url names the API (not the UI, and not a login page). If it does, this is a "
            "form of the API that keyturn does not know yet: please report it.",
        ),
        "KT510": Code(
            "a list is not complete",
            "Pages are missing or contradict each other. Objects that are absent from a part of a list are "
            "not absent from the service, so nothing is planned from it.",
            "Run again. If it stays, the service's paging is at fault: report it there with the request id.",
        ),
        "KT511": Code(
            "the address of the API cannot be used",
            "The API key goes to this address with every request, so only a plain https address is taken "
            "(http for this machine itself).",
            "Write base_url as https://HOST, where your deployment says so with /v1 behind it; without "
            "user, query, fragment, and without /api, which keyturn adds.",
        ),
        "KT512": Code(
            "the API key does not have the form of a key",
            "It is empty, or holds blanks, control characters or letters outside ASCII. Often it was copied "
            "with its label, or the file holds more than the key.",
            "Put the key alone where keyturn.yaml says that it is read from.",
        ),
        "KT513": Code(
            "a mask would be written in place of a value",
            "Text such as ******** stands for a value that the service hides. Written back, it would become "
            "the value.",
            "State the real value in the manifest, under `secrets`, or list the field under `keep`.",
        ),
        "KT514": Code(
            "the certificate of the service is not accepted",
            "Either somebody stands between this machine and the service, or the deployment uses a "
            "certificate authority of its own. Nothing was sent.",
            "If the authority is your own, name its certificate file for the workspace; otherwise find out "
            "who answers at this address.",
        ),
        "KT515": Code(
            "a list may have been cut",
            "As many objects came as fit on a page, with neither a cursor nor a total, so whether there are "
            "more cannot be told.",
            "Compare the number of objects with the one that Planasonix shows.",
        ),
        "KT516": Code(
            "there is no API at this address",
            "The service does not know the path of its own lists. An address that is not quite right looks "
            "exactly like an empty workspace, so keyturn stops here.",
            "Correct base_url in keyturn.yaml: keyturn adds /api/... to it; some deployments need /v1 "
            "before that, none needs /api in it.",
        ),
        "KT517": Code(
            "the service sends a request elsewhere",
            "A redirect is never followed for a change, and for reading only on the same host: the API key "
            "and the secrets are meant for the host in keyturn.yaml alone.",
            "Write the address that the service really has as base_url.",
        ),
        "KT518": Code(
            "the service gave no usable answer",
            "A question was sent and its answer did not come, broke off, or was an error on the side of the "
            "service. Nothing was changed by it.",
            "Run again in a moment; if it stays, look at the status page of the service and give its "
            "support the request id.",
        ),
        "KT520": Code(
            "the API key belongs to another organization",
            "Applying one tenant's manifests to another would create and overwrite there. The organization is compared before anything else is read.",
            "Use a key of the organization that keyturn.yaml names, or correct it there.",
        ),
    }
)
