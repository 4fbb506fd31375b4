"""Opens every secret of a repository as ``apply`` does, and prints how many files that were."""

import os
import sys
from pathlib import Path

from keyturn.manifests.loader import load_manifests
from keyturn.manifests.secrets import decrypt_manifests
from keyturn.project.project import read_project

project = read_project(Path(sys.argv[1]))
sealed = [one for one in load_manifests(project, project.find_workspace()).desired if one.secrets]
opened = decrypt_manifests(sealed, project, os.environ)
assert all(one.is_decrypted for one in opened)  # noqa: S101  # what was not opened was not measured
print(len(opened))
