"""Text, verdict and numbers in, number out."""
