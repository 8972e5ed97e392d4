#!/usr/bin/env python3
"""libFuzzer's executable for the target ``link_groups``."""

from refsync_fuzz.harness import main

main("link_groups")
