#!/usr/bin/env python3
"""libFuzzer's executable for the target ``native_ring_life``."""

from refsync_fuzz.harness import main

main("native_ring_life")
