"""`python -m priorfit`."""

import os
import sys

from priorfit.cli import main

if __name__ == "__main__":
    status = main()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        # One of several processes of torchrun: torch 2.13 aborts some of them when it clears up its
        # threads, after all is done and written.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)
