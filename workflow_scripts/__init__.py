"""One command-line program per rule: read files, call the library, write files atomically."""
