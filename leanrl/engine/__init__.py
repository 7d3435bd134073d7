"""One micro-batch in, loss and gradients out; torch, no TRL."""
