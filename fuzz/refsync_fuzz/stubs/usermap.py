#!/usr/bin/env python3
"""libFuzzer's executable for the target ``usermap``."""

from refsync_fuzz.harness import main

main("usermap")
