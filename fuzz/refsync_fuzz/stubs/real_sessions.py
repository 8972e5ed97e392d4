#!/usr/bin/env python3
"""libFuzzer's executable for the target ``real_sessions``."""

from refsync_fuzz.harness import main

main("real_sessions")
