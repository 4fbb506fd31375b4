"""The floor below ``keyturn validate``: an interpreter that composes the same YAML, and nothing else."""

import sys

import yaml

for name in sys.argv[1:]:
    with open(name, "rb") as file:  # noqa: PTH123  # pathlib would be part of the floor
        yaml.compose(file.read(), Loader=yaml.CSafeLoader)
