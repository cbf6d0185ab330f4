"""How a kernel that makes no array is compiled: without counting references.

numba counts who holds an array with locked instructions, at every slice and around many calls, also where nothing could ever
be freed. In kernels that look at a few bytes at a time this was a quarter of observe's time and a third of match's. What is
compiled with LEAN cannot make an array; a caller that must makes it and hands it in.

The option is numba's own name for it, which its library uses for its strings and sorts, but is not in its manual: hence the
one place. Without it everything works, slower.
"""

from __future__ import annotations

from typing import Any, Final

LEAN: Final[dict[str, Any]] = {"cache": True, "nogil": True, "_nrt": False}
