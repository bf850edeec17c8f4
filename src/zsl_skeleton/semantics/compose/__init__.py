"""Sentences from facts: pools of candidates per slot, and a choice among them that keeps the variety."""
