"""Zero-shot skeleton action recognition, from prompt to accuracy."""

__version__ = "0.1.0"
