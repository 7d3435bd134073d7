"""A real vLLM server."""
