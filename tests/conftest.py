"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# Nothing is timed inside a test: how long an example takes says more about the machine than the program.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
