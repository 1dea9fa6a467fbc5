"""The stations of the journey. A node reads rows, does its work, commits rows, and returns a little state."""
