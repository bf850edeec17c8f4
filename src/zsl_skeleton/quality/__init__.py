"""What a bank of texts promises before anything is trained, measured on seen classes only.

Measures and tables of numbers, no files: :mod:`.measures` and :mod:`.diversity` are pure functions, :mod:`.predict`
holds seen classes out, :mod:`.compare` puts both beside each other for several banks, encoders and controls.
"""
