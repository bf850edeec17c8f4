"""Prediction: a trained run as a folder of its own, and what it says about clips of any supported format.

``export_run`` writes the folder, ``load`` opens it, ``Predictor.predict`` classifies. Stored are safetensors and JSON
only; everything is checked against sizes and hashes before it is used.
"""

from __future__ import annotations
