"""Bytes and seconds, predicted before anything runs; no torch."""
