#!/usr/bin/env python3
"""libFuzzer's executable for the target ``rsyncd_conf``."""

from refsync_fuzz.harness import main

main("rsyncd_conf")
