#!/usr/bin/env python3
"""libFuzzer's executable for the target ``host_arguments``."""

from refsync_fuzz.harness import main

main("host_arguments")
