"""One HTML file about one restored picture, complete in itself."""

from priorfit.report.restored import write

__all__ = ["write"]
