#!/usr/bin/env python3
"""libFuzzer's executable for the target ``setup_vstrings``."""

from refsync_fuzz.harness import main

main("setup_vstrings")
