"""leanrl: GRPO for small reasoning models in little memory."""
