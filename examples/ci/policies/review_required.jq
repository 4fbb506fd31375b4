# Prints one message for each change that needs a review:
#   keyturn plan --format json | jq -r -f review_required.jq
(.resource_changes[]
  | select(.change.actions | index("delete"))
  | "\(.address) would be deleted"),
(.exposures[] | "the secret of \(.address) would be sent to a new destination"),
(.secrets[]
  | select(.state == "suspect" or .state == "reused")
  | "\(.path) of \(.address) is \(.state)")
