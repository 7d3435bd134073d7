"""How an answer is written: what is left to do in it, and whether it is copied from its problem."""
