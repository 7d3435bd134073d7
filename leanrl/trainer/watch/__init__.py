"""What the watchdog does with a trainer: roll back, and go on with smaller steps."""
