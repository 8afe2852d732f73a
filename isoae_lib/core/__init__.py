"""The training library: arrays in, a trained autoencoder out."""
