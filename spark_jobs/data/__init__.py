"""A data set before it is written: read, checked, joined, named by its content, split, explored."""
