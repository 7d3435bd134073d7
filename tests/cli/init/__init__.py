"""`leanrl init`."""
