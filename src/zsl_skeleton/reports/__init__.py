"""Pages about finished runs: ``document`` is what a report says, ``sections`` say it, ``render`` shows it.

Nothing is imported here: the command line asks for formats before it knows whether anything is to be opened.
"""
