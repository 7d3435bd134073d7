"""The ledger of a run: how every group of completions of every prompt went."""
