"""Run a command, and write down how long it took and how much memory; a script of its own.

    python -P launch.py MEASURES.json COMMAND…

A process begins with the peak of the one that started it, so a large one must not measure: this is
a small one between. Nothing but the standard library is imported.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

try:
    import resource
except ImportError:  # where there is no such thing, the peak stays unknown
    resource = None  # type: ignore[assignment]


def main(measures: Path, command: list[str]) -> int:
    """Run, measure, and give the exit status of the command."""
    started = time.perf_counter()
    status = subprocess.run(command, check=False).returncode
    found: dict[str, float | None] = {"seconds": time.perf_counter() - started, "peak": None}
    if resource is not None:
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        found["peak"] = peak * (1 if sys.platform == "darwin" else 1024)  # bytes there, KiB here
    measures.write_text(json.dumps(found))
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
