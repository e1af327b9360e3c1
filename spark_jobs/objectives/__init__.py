"""What a model can learn, behind one interface: default, loss given default, customer segments, the next product."""
