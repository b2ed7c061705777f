"""Moving approved bytes: destinations, and the releaser that holds their credentials."""
