"""Unknown names, and the known ones that are nearest."""
