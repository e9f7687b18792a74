"""The config: its schema, its checks, and what follows from it before any job starts."""
