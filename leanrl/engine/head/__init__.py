"""The language-model head: scored in tiles, and what its logits become."""
