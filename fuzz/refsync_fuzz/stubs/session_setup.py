#!/usr/bin/env python3
"""libFuzzer's executable for the target ``session_setup``."""

from refsync_fuzz.harness import main

main("session_setup")
