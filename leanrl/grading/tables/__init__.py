"""Tables and nothing else: what is written in which ways. The code that reads them stands in the other folders."""
