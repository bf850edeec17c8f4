"""What is installed, what is in the store, and what a training still lacks. Nothing is made or changed by looking."""
