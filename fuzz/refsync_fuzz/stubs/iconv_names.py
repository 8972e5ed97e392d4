#!/usr/bin/env python3
"""libFuzzer's executable for the target ``iconv_names``."""

from refsync_fuzz.harness import main

main("iconv_names")
