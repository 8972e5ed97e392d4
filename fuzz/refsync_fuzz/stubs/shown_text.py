#!/usr/bin/env python3
"""libFuzzer's executable for the target ``shown_text``."""

from refsync_fuzz.harness import main

main("shown_text")
