"""Arrays that grow. New memory is dear: the system clears every page at its first touch, and a copy touches all it copies.

So an array that must grow becomes eight times as long. What lies beyond what is used is address space, not memory, until it is
used; all copies of its life together are a seventh of it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

TIMES: Final = 8


def grown(array: NDArray[Any], used: int, wanted: int) -> NDArray[Any]:
    """The array, or a longer one with the first `used` rows of it if it has fewer than `wanted`."""
    if wanted <= len(array):
        return array
    longer = np.empty((max(wanted, TIMES * len(array)), *array.shape[1:]), array.dtype)
    longer[:used] = array[:used]
    return longer
