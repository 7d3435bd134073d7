"""Units of measurement: which texts are one, what they measure, and how values convert."""
