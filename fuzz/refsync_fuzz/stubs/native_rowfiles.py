#!/usr/bin/env python3
"""libFuzzer's executable for the target ``native_rowfiles``."""

from refsync_fuzz.harness import main

main("native_rowfiles")
