"""Bytes of what a training rank, an engine and the host hold."""
