"""What a path holds: its layout, its arrays, which data set they are of, and what can be done with them."""
