"""Motion: readers per file format, joint layouts, preprocessing recipes, skeleton sets and feature sets."""
