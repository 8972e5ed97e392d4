#!/usr/bin/env python3
"""libFuzzer's executable for the target ``token_zstd``."""

from refsync_fuzz.harness import main

main("token_zstd")
