#!/usr/bin/env python3
"""libFuzzer's executable for the target ``daemon_options``."""

from refsync_fuzz.harness import main

main("daemon_options")
