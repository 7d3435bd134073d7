"""`leanrl data` and its commands."""
