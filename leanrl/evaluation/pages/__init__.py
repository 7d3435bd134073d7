"""Pages of runs with what evaluations say of them: the two rooms do not know each other."""
