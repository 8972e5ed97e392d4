#!/usr/bin/env python3
"""libFuzzer's executable for the target ``requested_names``."""

from refsync_fuzz.harness import main

main("requested_names")
