"""Where the published inputs lie, and where results go; `priorfit.bench` has the suites."""

from pathlib import Path

SHARED = Path(__file__).parent.parent.parent / "shared" / "images" / "dip_paper"
RESULTS = Path(__file__).parent / "results"
