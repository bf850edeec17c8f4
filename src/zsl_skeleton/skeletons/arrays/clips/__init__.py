"""Clips in other people's arrays: readers, one small file per layout."""
