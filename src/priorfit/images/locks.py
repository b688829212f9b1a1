"""Locks on open files, see `priorfit.disk.locks`."""

from priorfit.disk.locks import locked

__all__ = ["locked"]
