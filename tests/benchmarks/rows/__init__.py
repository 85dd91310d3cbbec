"""What a row makes of a load, and how it goes round its peers."""
