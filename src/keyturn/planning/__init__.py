"""Pure decisions of a plan: diff, scope, exposure, order and guards."""
