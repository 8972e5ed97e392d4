#!/usr/bin/env python3
"""libFuzzer's executable for the target ``ndx``."""

from refsync_fuzz.harness import main

main("ndx")
