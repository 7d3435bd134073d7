"""A step: from completions to scores, rows and means."""
