#!/usr/bin/env python3
"""libFuzzer's executable for the target ``wildmatch``."""

from refsync_fuzz.harness import main

main("wildmatch")
