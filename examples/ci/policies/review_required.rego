# The same policy for conftest and OPA:
#   keyturn plan --format json | conftest test --policy policies -
package main

import rego.v1

deny contains message if {
	some resource in input.resource_changes
	"delete" in resource.change.actions
	message := sprintf("%s would be deleted", [resource.address])
}

deny contains message if {
	some exposure in input.exposures
	message := sprintf("the secret of %s would be sent to a new destination", [exposure.address])
}

deny contains message if {
	some secret in input.secrets
	secret.state in {"suspect", "reused"}
	message := sprintf("%s of %s is %s", [secret.path, secret.address, secret.state])
}
