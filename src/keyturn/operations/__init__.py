"""Use cases: each module reads, decides through the planning package, writes, and keeps the journal."""
