"""What an answer is made of, and whether it is what a gold answer asks for."""
