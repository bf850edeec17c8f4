"""Plain arrays out of pickles, without unpickling: an interpreter that calls nothing, and pyskl's annotations."""
