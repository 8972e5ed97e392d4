"""The file system: scanning, comparing, writing, attributes; confined where a peer chooses the names."""
