"""Files become what is wanted: disk, git and the sops process live here, and nowhere else."""
