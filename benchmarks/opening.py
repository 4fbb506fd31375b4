"""Opens every secret of a repository as ``apply`` does, and prints how many files that were."""

import os
import sys
from pathlib import Path

from keyturn.manifests.loader import load_manifests
from keyturn.manifests.secrets import decrypt_manifests
from keyturn.model.secret import Secret
from keyturn.project.project import read_project

project = read_project(Path(sys.argv[1]))
sealed = [one for one in load_manifests(project, project.find_workspace()).desired if one.secrets]
opened = decrypt_manifests(sealed, project, os.environ)
values = [value for one in opened for value in one.secrets.values()]
assert all(isinstance(value, Secret) for value in values)  # noqa: S101  # the benchmark measures decryption
print(len(opened))
