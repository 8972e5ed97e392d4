#!/usr/bin/env python3
"""libFuzzer's executable for the target ``out_format``."""

from refsync_fuzz.harness import main

main("out_format")
