"""What `import leanrl` offers: presets and Python values in, results that show themselves in a notebook out."""
