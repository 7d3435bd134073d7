"""`leanrl eval` and `leanrl compare`."""
