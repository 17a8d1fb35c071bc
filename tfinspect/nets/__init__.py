"""Networks as slim-style functions, and the Keras model that runs them."""
