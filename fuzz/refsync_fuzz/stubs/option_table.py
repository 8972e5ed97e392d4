#!/usr/bin/env python3
"""libFuzzer's executable for the target ``option_table``."""

from refsync_fuzz.harness import main

main("option_table")
