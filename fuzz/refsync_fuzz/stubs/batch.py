#!/usr/bin/env python3
"""libFuzzer's executable for the target ``batch``."""

from refsync_fuzz.harness import main

main("batch")
