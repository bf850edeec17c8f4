"""The control ``shuffled``: every class gets the texts of another one, and accuracy must fall to chance.

The other controls are other class texts, which are encoded like any bank (:mod:`zsl_skeleton.text.altered`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zsl_skeleton.errors import InputError


def shuffled_rows(classes: int, seed: int) -> NDArray[np.int64]:
    """For every class the class whose texts it gets [C]: a random permutation without fixed points.

    Raises:
        InputError: fewer than two classes cannot be shuffled.
    """
    if classes < 2:
        raise InputError("the texts of one class cannot be shuffled", mend="choose another --control")
    generator = np.random.default_rng([seed, classes])
    # About one permutation in e has no fixed point, so this ends soon; rejection keeps the draw uniform.
    while True:
        rows = generator.permutation(classes)
        if not (rows == np.arange(classes)).any():
            return rows
