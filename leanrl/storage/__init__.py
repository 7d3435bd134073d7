"""What a run keeps on disk: folders, locks, checkpoint files and links to adapters."""
