#!/usr/bin/env python3
"""libFuzzer's executable for the target ``delta_match``."""

from refsync_fuzz.harness import main

main("delta_match")
