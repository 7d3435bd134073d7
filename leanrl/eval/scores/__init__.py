"""The numbers of one evaluation, with their standard errors."""
