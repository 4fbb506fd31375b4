"""Opens every secret of a repository as ``apply`` does, and prints how many files that were."""

import os
import sys
from pathlib import Path

from keyturn.load.desired import load_manifests
from keyturn.load.project import read_project
from keyturn.load.unseal import decrypt_manifests

project = read_project(Path(sys.argv[1]))
sealed = [one for one in load_manifests(project, project.find_workspace()).desired if one.secrets]
opened = decrypt_manifests(sealed, project, os.environ)
assert all(one.is_decrypted for one in opened)  # noqa: S101  # what was not opened was not measured
print(len(opened))
