"""Estimates that need no network: filters, guides, noise levels, what needs no restoring."""
