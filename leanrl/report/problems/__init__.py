"""What the ledger of a run says of its problems."""
