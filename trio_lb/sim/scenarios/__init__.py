"""The scenarios that come with the simulator: a module each; ``catalogue`` finds them."""
