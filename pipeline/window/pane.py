"""Panes: the slices of event time that a sliding window is made of. Pure arithmetic; "now" is an argument.

    pane_ms = 6 h, window_ms = 24 h, now = 33 h

    pane        |    0    |    1    |    2    |    3    |    4    |    5
    hours       0         6         12        18        24        30  ^    36
    window                     (9 ------------------------------------33]
    expired     [ 0 )
    live                  [ 1 ...                                    5 ]

A pane holds its start and not its end. Nothing is cut out of a pane: it lives while any moment of it is inside the
window `(now - window, now]`, and expires as a whole. So panes cover the window and less than one pane more.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Moments = TypeVar("Moments", int, NDArray[np.int64])


def pane_of(ms: Moments, pane_ms: int) -> Moments:
    """The pane that a moment falls into; for one or for an array of them. Moments before 1970 have negative panes."""
    return ms // pane_ms


def pane_start_ms(pane: int, pane_ms: int) -> int:
    """The first moment of a pane; the pane before ends just there."""
    return pane * pane_ms


def first_live_pane(now_ms: int, window_ms: int, pane_ms: int) -> int:
    """The oldest pane with a moment inside the window that ends now. It never falls while now does not."""
    return (now_ms - window_ms + 1) // pane_ms


def live_panes_max(window_ms: int, pane_ms: int) -> int:
    """How many panes can be live at once: the bound of anything that keeps something per pane."""
    return -(-window_ms // pane_ms) + 1
