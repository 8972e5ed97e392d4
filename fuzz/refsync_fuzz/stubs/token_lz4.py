#!/usr/bin/env python3
"""libFuzzer's executable for the target ``token_lz4``."""

from refsync_fuzz.harness import main

main("token_lz4")
