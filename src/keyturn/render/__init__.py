"""What was decided becomes what is read: pure functions, a value in, a string out."""
