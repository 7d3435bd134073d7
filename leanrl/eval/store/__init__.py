"""What an evaluation has drawn, kept as it comes."""
