#!/usr/bin/env python3
"""libFuzzer's executable for the target ``sum_head``."""

from refsync_fuzz.harness import main

main("sum_head")
