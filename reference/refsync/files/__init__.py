"""The file system: scanning, comparing, writing, attributes; what a receiver does stays below its root."""
