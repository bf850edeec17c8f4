"""Features that other people extracted: one small file per layout, the checks that they share, and their import."""
