#!/usr/bin/env python3
"""libFuzzer's executable for the target ``symlink_targets``."""

from refsync_fuzz.harness import main

main("symlink_targets")
