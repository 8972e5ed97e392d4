#!/usr/bin/env python3
"""libFuzzer's executable for the target ``token_zlib``."""

from refsync_fuzz.harness import main

main("token_zlib")
