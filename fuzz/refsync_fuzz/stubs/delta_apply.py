#!/usr/bin/env python3
"""libFuzzer's executable for the target ``delta_apply``."""

from refsync_fuzz.harness import main

main("delta_apply")
