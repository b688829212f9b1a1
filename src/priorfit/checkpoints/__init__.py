"""Where trained networks come from: published files, made safe once, kept and found by name."""
