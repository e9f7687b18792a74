"""From attack files to tables: scoring, summaries, intervals."""
