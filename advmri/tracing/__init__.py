"""Where a number came from: from a row of a table to the scores, attack files, checkpoints and volumes behind it."""
