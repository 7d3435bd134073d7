"""Decoder layers: activations kept, moved or recomputed, tiles of the MLP, and dropout."""
