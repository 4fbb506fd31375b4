"""Read access to git: files of a commit and the dates of secrets."""
