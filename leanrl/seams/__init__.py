"""The decisions of a GRPO step that a plug-in can take."""
