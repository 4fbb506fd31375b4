"""The state of a workspace: managed objects as last applied, the journal, and the lock."""
