"""What the rewards of the paper's runs paid, fault by fault."""
