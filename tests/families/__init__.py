"""Many families of models through every path of a run; `table` lists them."""
