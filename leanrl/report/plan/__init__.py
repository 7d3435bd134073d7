"""A run against its plan, in a report."""
