"""Bytes of activations: what decoder layers and the head keep and make."""
