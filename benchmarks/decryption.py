"""Decrypts every secret of a repository as ``apply`` does, and prints the number of files."""

import os
import sys
from pathlib import Path

from keyturn.manifests.loader import load_manifests
from keyturn.manifests.secrets import decrypt_manifests
from keyturn.model.secret import Secret
from keyturn.project.project import read_project

project = read_project(Path(sys.argv[1]))
manifests = load_manifests(project, project.find_workspace())
encrypted = [resource for resource in manifests.desired if resource.secrets]
decrypted = decrypt_manifests(encrypted, project, os.environ)
values = [value for resource in decrypted for value in resource.secrets.values()]
assert all(isinstance(value, Secret) for value in values)  # noqa: S101  # the benchmark measures decryption
print(len(decrypted))
