"""Stage 2, words to vectors: encoders, the embedding cache, and the class embeddings they make."""
