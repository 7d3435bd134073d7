"""Records of a run: metrics, summary and health."""
