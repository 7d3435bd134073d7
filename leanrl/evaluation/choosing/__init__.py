"""One checkpoint of a run, chosen on problems that are not reported, then evaluated once."""
