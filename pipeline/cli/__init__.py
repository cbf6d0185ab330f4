"""The command line: one command a file, what it prints in files of its own, no decision of the detector anywhere in here.

Commands import what they run when they run, so that `sweepwatch --help` answers at once.
"""

from pipeline.cli.main import main

__all__ = ["main"]
