"""What a run is planned for: cards by name, this machine, its CPU."""
