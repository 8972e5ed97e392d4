#!/usr/bin/env python3
"""libFuzzer's executable for the target ``proxy_header``."""

from refsync_fuzz.harness import main

main("proxy_header")
