"""Compare priorfit with arrays that the authors' code recorded; see `python -m tests.parity`."""
