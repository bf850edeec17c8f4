"""Command-line front ends: argument parsing only, all work happens in :mod:`zsl_skeleton`."""
