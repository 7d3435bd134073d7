"""The model's real code for one optimizer step under fake tensors: bytes without a GPU."""
