"""What rewards read in a text: its words and languages, and whether anything can be seen."""
