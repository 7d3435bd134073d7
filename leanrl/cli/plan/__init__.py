"""The command `leanrl plan` and what it answers."""
