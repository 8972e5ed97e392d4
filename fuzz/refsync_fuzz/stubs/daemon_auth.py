#!/usr/bin/env python3
"""libFuzzer's executable for the target ``daemon_auth``."""

from refsync_fuzz.harness import main

main("daemon_auth")
