"""What these tests stand in: a repository and a running emulator."""

from offices import office, settled

__all__ = ["office", "settled"]
