#!/usr/bin/env python3
"""libFuzzer's executable for the target ``multiplex``."""

from refsync_fuzz.harness import main

main("multiplex")
