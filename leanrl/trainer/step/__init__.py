"""One GRPO step, from prompts to rows with weights, and the order of its decisions."""
