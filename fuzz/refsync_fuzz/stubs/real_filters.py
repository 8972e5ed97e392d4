#!/usr/bin/env python3
"""libFuzzer's executable for the target ``real_filters``."""

from refsync_fuzz.harness import main

main("real_filters")
