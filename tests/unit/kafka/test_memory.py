"""How the worker sets up its process."""

from __future__ import annotations

import subprocess
import sys

import pytest

ASK = (
    "import ctypes; from pipeline.kafka import worker; worker.keep_memory(); "
    "print(all(ctypes.CDLL(None).mallopt(*option) for option in worker.MALLOC.values()))"
)


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
def test_glibc_takes_every_option_that_keeps_memory() -> None:
    said = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout.strip() == "True"
