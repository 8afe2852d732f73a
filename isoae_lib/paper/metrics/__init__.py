"""What is measured of a trained autoencoder."""
