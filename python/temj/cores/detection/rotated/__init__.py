"""Detection of objects as rotated boxes."""
