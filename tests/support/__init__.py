"""What plays are made of: stages to act on, scripted peers, and a look for leaks afterwards."""
