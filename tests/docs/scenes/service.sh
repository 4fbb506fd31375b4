export PLANASONIX_API_KEY=plnx_live_docs
cat > ../targets.json <<'END'
[{"type": "postgres", "match": {"host": "db.example.com"}, "accepts": {"password": ["first-pw", "second-pw"]}}]
END
planasonix-emulator --port 8631 --organization org_01jq8acme --key $PLANASONIX_API_KEY --control docs \
  --targets ../targets.json > ../emulator.log 2>&1 &
until grep -q listening ../emulator.log; do sleep 0.05; done
