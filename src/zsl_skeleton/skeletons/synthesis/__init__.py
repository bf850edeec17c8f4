"""Made-up recordings: a kinematic body performs composed movements before Kinect-like cameras.

Everything made here is labelled synthetic. It serves demos and tests and proves nothing about real recordings.
"""
