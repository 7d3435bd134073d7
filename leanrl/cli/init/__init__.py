"""The command `leanrl init`: its questions, and what an answer sets."""
