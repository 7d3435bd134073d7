"""leanrl: GRPO for small reasoning models in little memory."""

__version__ = "0.1.0"
