export PLANASONIX_API_KEY=plnx_live_docs
cat > ../targets.json <<'END'
[{"type": "postgres", "match": {"host": "db.example.com"}, "accepts": {"password": ["first-pw", "second-pw"]}}]
END
planasonix-emulator --port 8631 --organization org_01jq8acme --key $PLANASONIX_API_KEY --control docs \
  --targets ../targets.json > ../emulator.log 2>&1 &
until grep -q listening ../emulator.log; do sleep 0.05; done
keyturn init --organization org_01jq8acme --base-url http://127.0.0.1:8631 > /dev/null
echo first-pw | keyturn secret set prod-warehouse password > /dev/null
keyturn apply --yes > /dev/null
git init -q && git add . && git commit -qm 'The warehouse'
export AWS_ACCESS_KEY_ID=docs AWS_SECRET_ACCESS_KEY=docs-secret AWS_REGION=us-east-1
python -W ignore - > ../bucket.log 2>&1 <<'END' &
import signal
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
client.create_bucket(Bucket="acme-keyturn")
Path("../endpoint").write_text(f"http://{host}:{port}")
signal.pause()
END
until [ -s ../endpoint ]; do sleep 0.05; done
export AWS_ENDPOINT_URL=$(cat ../endpoint)
aws() {
  python -W ignore - "$3" "$4" <<'END'
import os
import sys

import boto3

source, target = sys.argv[1:]
bucket, _, key = target.removeprefix("s3://").partition("/")
client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1")
client.upload_file(source, bucket, key)
print(f"upload: {source} to {target}")
END
}
