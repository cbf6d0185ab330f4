"""Every error that leaves this package, under one root.

A bad record is not among them: it is a result (`model.request.Rejection`) and ends in dead-letters. These three stop
something on purpose: a start with wrong settings, a partition whose state cannot be trusted, a tool that cannot go on.
"""

from __future__ import annotations


class SweepwatchError(Exception):
    """Root of all of them; the message is written for whoever has to act on it and never holds prompt text."""


class ConfigError(SweepwatchError):
    """A setting is unknown, of the wrong type or out of range. Nothing was started."""


class StateLayoutError(SweepwatchError):
    """Persisted bytes do not match: magic, version, kind, scheme, key or checksum. Nothing of them was used."""


class OperationError(SweepwatchError):
    """A tool could not do what it was asked (broker out of reach, file unreadable). Says what to try."""
