"""Compare with recorded arrays: `python -m tests.parity DIR`, one fixture or a folder of them.

One line for each fixture: its name, the error that is nearest to its limit, that limit, and pass,
fail or later. Ends with status 1 if one fails.
"""

import sys
from pathlib import Path

from tests.parity.fixture import Fixture, Result
from tests.parity.kinds import KINDS, LATER


def main(arguments: list[str]) -> int:
    """Compare every fixture in the folder that the only argument names."""
    if len(arguments) != 1:
        print("usage: python -m tests.parity DIR", file=sys.stderr)
        return 2
    found = fixtures(Path(arguments[0]))
    if not found:
        print(f"no fixture in {arguments[0]}: expected a folder with a meta.json", file=sys.stderr)
        return 2
    passed = [_compared(fixture) for fixture in found]
    return int(not all(passed))


def fixtures(folder: Path) -> list[Fixture]:
    """The fixture that a folder is, or those it holds, sorted by name."""
    folders = [folder] if (folder / "meta.json").exists() else sorted(folder.glob("*/"))
    return [Fixture(path) for path in folders if (path / "meta.json").exists()]


def _compared(fixture: Fixture) -> bool:
    """Print the line of one fixture; whether it is none to worry about."""
    try:
        if fixture.kind in LATER:
            _say(fixture.name, "-", "-", "later")
            return True
        if fixture.kind not in KINDS:
            _say(fixture.name, "-", "-", f"fail: the kind {fixture.kind} is unknown")
            return False
        results = list(KINDS[fixture.kind](fixture))
    except Exception as error:  # whatever goes wrong with one fixture, the others have their turn
        _say(fixture.name, "-", "-", f"fail: {type(error).__name__}: {error}".splitlines()[0])
        return False
    return _judged(fixture, results)


def _judged(fixture: Fixture, results: list[Result]) -> bool:
    if not results:
        _say(fixture.name, "-", "-", "fail: nothing was compared")
        return False
    worst = max(results, key=lambda result: (not result.passed, result.share))
    verdict = "pass" if worst.passed else f"fail: {worst.key}"
    seen = {result.key.removesuffix("__f64") for result in results}
    left = sorted({key.removesuffix("__f64") for key in fixture.expected} - seen)
    verdict += f" (not compared: {', '.join(left)})" if left else ""
    _say(fixture.name, f"{worst.error:.2e}", f"{worst.allowed:.2e}", verdict)
    return worst.passed


def _say(name: str, error: str, allowed: str, verdict: str) -> None:
    print(f"{name:36}  {error:>9}  {allowed:>9}  {verdict}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
