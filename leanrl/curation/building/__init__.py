"""Builds a dataset by a recipe, with a ledger of what each stage did."""
