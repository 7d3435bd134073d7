"""vLLM in a server of its own."""
