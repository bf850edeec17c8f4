"""Studies: a file that names a grid of runs, the plan of what is left of it, the work, and the table at its end.

``model`` and ``loading`` read the file, ``grid`` expands it, ``plan`` tells what exists, ``work`` trains (several
processes of ``crew`` at a time, or jobs of ``launching``), ``results`` reads the finished runs back.
"""
