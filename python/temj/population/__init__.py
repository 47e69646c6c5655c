"""Objects of many images to estimates with intervals; NumPy and SciPy only."""
