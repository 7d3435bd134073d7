"""The structure of a model: shapes, layers, attention and lengths, without its weights."""
