"""LoRA adapters: what they adapt, and how they fold into weights."""
