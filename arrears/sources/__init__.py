"""How a delivered text file is read: its bytes, its lines, its columns, without Spark."""
