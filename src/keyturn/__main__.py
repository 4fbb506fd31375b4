"""``python -m keyturn``."""

from keyturn.cli.main import run

run()
