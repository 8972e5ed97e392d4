#!/usr/bin/env python3
"""libFuzzer's executable for the target ``fake_super``."""

from refsync_fuzz.harness import main

main("fake_super")
