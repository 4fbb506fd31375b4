"""The shell around the core: reads, decides through the core, writes, and keeps the journal."""
