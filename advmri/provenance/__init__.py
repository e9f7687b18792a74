"""Which code and which files a result was made from."""
