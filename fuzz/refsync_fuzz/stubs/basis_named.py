#!/usr/bin/env python3
"""libFuzzer's executable for the target ``basis_named``."""

from refsync_fuzz.harness import main

main("basis_named")
