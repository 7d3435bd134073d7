"""Files of problems: found, unpacked and read row by row."""
