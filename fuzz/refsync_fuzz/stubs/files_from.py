#!/usr/bin/env python3
"""libFuzzer's executable for the target ``files_from``."""

from refsync_fuzz.harness import main

main("files_from")
