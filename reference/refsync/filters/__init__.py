"""Filter rules: parsed, matched, and exchanged. No I/O but for merge files that the user names."""
