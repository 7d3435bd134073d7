"""Training problems ordered by what a run saw of them."""
