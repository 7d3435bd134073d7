"""Watches the metrics of a run for signs that it falls apart; pure, free of torch."""
