"""What a model can learn: who defaults, the loss given default, customer segments, the next product; one interface."""
