"""What stands beside a result, and the state of a run in one file."""
