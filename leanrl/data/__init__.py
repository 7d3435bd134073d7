"""Problems: sources, prompts, held-out sets."""
