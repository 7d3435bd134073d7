"""Shows how a run's dataset was curated."""
