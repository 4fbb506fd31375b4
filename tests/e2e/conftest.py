"""The fixtures of these tests: a repository and a running emulator."""

from workspace_setup import applied_setup, setup

__all__ = ["applied_setup", "setup"]
