export PLANASONIX_API_KEY=plnx_live_docs
cat > ../targets.json <<'END'
[{"type": "postgres", "match": {"host": "db.example.com"}, "accepts": {"password": ["first-pw", "second-pw"]}}]
END
planasonix-emulator --port 8631 --organization org_01jq8acme --key $PLANASONIX_API_KEY --control docs \
  --targets ../targets.json > ../emulator.log 2>&1 &
until grep -q listening ../emulator.log; do sleep 0.05; done
python - <<'END'
from planasonix_emulator.testing.control_client import ControlClient

remote = ControlClient("http://127.0.0.1:8631", "docs")
database = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}
(made,) = remote.seed_objects(credentials=[
    {"name": "prod-warehouse", "type": "database", "config": {**database, "password": "first-pw"}},
])["credentials"]
remote.seed_objects(connections=[
    {"name": "prod-orders", "type": "postgres", "credentialId": made,
     "config": {"host": "db.example.com", "port": 5432, "database": "orders"}},
    {"name": "prod-stock", "type": "postgres", "credentialId": made,
     "config": {"host": "db.example.com", "port": 5432, "database": "stock"}},
])
END
