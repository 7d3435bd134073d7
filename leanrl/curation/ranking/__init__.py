"""Training problems ordered by what a run or a solver saw of them."""
