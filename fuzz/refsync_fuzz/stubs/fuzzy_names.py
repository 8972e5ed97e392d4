#!/usr/bin/env python3
"""libFuzzer's executable for the target ``fuzzy_names``."""

from refsync_fuzz.harness import main

main("fuzzy_names")
