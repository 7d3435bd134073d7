"""The shape of a model: what its config.json says, and what its family is made of."""
