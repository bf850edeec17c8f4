"""Honest numbers: scores, metrics, controls, reports."""
