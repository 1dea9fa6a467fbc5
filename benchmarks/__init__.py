"""Measurements of the program at the size of real work, against stand-ins on this machine."""
