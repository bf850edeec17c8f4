"""Stage 1, words: from class facts or a language model to a bank of checked texts."""
