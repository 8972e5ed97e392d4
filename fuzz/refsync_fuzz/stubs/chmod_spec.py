#!/usr/bin/env python3
"""libFuzzer's executable for the target ``chmod_spec``."""

from refsync_fuzz.harness import main

main("chmod_spec")
