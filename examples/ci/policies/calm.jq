# Sentences, one for each thing that a plan does and this team does not do without a word:
#   keyturn plan --format json | jq -r -f calm.jq
(.resource_changes[]
  | select(.change.actions | index("delete"))
  | "\(.address) would be deleted"),
(.exposures[] | "the secret of \(.address) would go to a new destination"),
(.secrets[]
  | select(.state == "suspect" or .state == "reused")
  | "\(.path) of \(.address) is \(.state)")
