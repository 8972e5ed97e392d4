#!/usr/bin/env python3
"""libFuzzer's executable for the target ``varint``."""

from refsync_fuzz.harness import main

main("varint")
