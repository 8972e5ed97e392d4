#!/usr/bin/env python3
"""libFuzzer's executable for the target ``skip_compress``."""

from refsync_fuzz.harness import main

main("skip_compress")
