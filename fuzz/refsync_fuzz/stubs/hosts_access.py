#!/usr/bin/env python3
"""libFuzzer's executable for the target ``hosts_access``."""

from refsync_fuzz.harness import main

main("hosts_access")
