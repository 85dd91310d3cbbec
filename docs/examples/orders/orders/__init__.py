"""A shop's two services: one takes orders, the other knows what is in stock."""
