"""The command line: parse flags, call the pipeline, print."""
