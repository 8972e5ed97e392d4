#!/usr/bin/env python3
"""libFuzzer's executable for the target ``session``."""

from refsync_fuzz.harness import main

main("session")
