"""Arguments of any shape as the packed rows that kernels take."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Matrix", "pack"]

Matrix = NDArray[np.float64]


def pack(*args: ArrayLike) -> tuple[Matrix, tuple[int, ...]]:
    """Broadcast arguments, is_call first, into rows (a matrix) and return it and their shape."""
    shape = np.broadcast_shapes(*[np.shape(arg) for arg in args])
    inputs = np.empty((len(args), *shape))
    for i, arg in enumerate(args):
        inputs[i, ...] = arg
    flat = inputs.reshape(len(args), -1)
    np.multiply(flat[0], 2.0, out=flat[0])  # 1 and 0 become phi; anything else fails the phi test
    np.subtract(flat[0], 1.0, out=flat[0])
    return flat, shape
