#!/usr/bin/env python3
"""libFuzzer's executable for the target ``stats``."""

from refsync_fuzz.harness import main

main("stats")
