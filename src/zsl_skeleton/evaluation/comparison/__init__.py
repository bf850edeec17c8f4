"""Finished runs side by side: ``groups`` reads them, ``rows`` sums them up, ``compare`` joins rows, ``table`` prints.

Nothing is imported here: the command line needs ``options`` before it knows whether anything is to be compared.
"""
