"""What the rewards of the paper's runs paid, trap by trap."""
