"""A thin subclass of TRL's GRPOTrainer; the only room that imports TRL."""
