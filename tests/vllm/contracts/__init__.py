"""What leanrl relies on in the installed vLLM."""
