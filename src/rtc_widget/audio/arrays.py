"""The types of the arrays that hold audio; numpy itself is optional."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]
    """Samples between -1 and 1."""
    Integers = npt.NDArray[np.int16]
    """Samples as signed 16-bit integers."""
else:
    Samples = Integers = Any
