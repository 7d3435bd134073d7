"""The text of an answer: where it stands in a completion, and one spelling for the many of it."""
