"""The demonstration: sample photographs damaged, restored with the command line, and shown."""

from priorfit.demo.run import main

__all__ = ["main"]
