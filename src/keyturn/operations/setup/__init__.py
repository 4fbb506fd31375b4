"""Setup of a repository: its files, and the keys of its workspaces."""
