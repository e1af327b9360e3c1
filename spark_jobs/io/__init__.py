"""The only reads and writes of Spark: session, tables, sources, snapshots."""
