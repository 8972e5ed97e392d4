#!/usr/bin/env python3
"""libFuzzer's executable for the target ``iflags``."""

from refsync_fuzz.harness import main

main("iflags")
