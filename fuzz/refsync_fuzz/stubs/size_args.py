#!/usr/bin/env python3
"""libFuzzer's executable for the target ``size_args``."""

from refsync_fuzz.harness import main

main("size_args")
