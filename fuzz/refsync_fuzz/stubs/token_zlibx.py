#!/usr/bin/env python3
"""libFuzzer's executable for the target ``token_zlibx``."""

from refsync_fuzz.harness import main

main("token_zlibx")
