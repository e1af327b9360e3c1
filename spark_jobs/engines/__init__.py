"""One module an engine: fits a snapshot and returns bytes and facts. Stores nothing."""
