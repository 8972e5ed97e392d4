"""Sums, matching and rebuilding: what makes a transfer a delta."""
