#!/usr/bin/env python3
"""libFuzzer's executable for the target ``name_converter``."""

from refsync_fuzz.harness import main

main("name_converter")
