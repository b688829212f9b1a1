"""`python -m priorfit`."""

import sys

from priorfit.cli import main

sys.exit(main())
