#!/usr/bin/env python3
"""libFuzzer's executable for the target ``beneath_paths``."""

from refsync_fuzz.harness import main

main("beneath_paths")
