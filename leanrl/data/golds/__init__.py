"""Gold answers: read from the values of a column, and counted by the rules that read them."""
