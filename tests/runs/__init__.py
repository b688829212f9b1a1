"""From one picture file to another."""
