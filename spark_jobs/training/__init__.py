"""What surrounds an engine: the rows it may see, what is learnt from them, and what its model is given at the end."""
