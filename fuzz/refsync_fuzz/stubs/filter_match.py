#!/usr/bin/env python3
"""libFuzzer's executable for the target ``filter_match``."""

from refsync_fuzz.harness import main

main("filter_match")
