#!/usr/bin/env python3
"""libFuzzer's executable for the target ``compat_flags``."""

from refsync_fuzz.harness import main

main("compat_flags")
