#!/usr/bin/env python3
"""libFuzzer's executable for the target ``sddl``."""

from refsync_fuzz.harness import main

main("sddl")
