"""Speed and published numbers, measured by hand: `python -m benchmarks`; not part of the tests."""
