"""What a scanner measures: k-space, sampling masks, thermal noise."""
