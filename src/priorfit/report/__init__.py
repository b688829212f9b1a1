"""One HTML file about one restored picture, complete in itself."""

from priorfit.report.restored import render, write

__all__ = ["render", "write"]
