"""Classical methods as cores: fitted in seconds to a few annotated images, then used like a network."""
