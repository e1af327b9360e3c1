"""What a table promises: its columns, types, keys, when a row was known, and the features made of it."""
