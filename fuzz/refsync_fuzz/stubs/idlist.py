#!/usr/bin/env python3
"""libFuzzer's executable for the target ``idlist``."""

from refsync_fuzz.harness import main

main("idlist")
