"""The committed results, installed with the suite so that an added method has rows to stand beside."""
