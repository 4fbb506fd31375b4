"""What these tests stand in: a repository and a running emulator."""

from offices import office

__all__ = ["office"]
