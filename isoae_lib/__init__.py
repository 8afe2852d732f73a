"""Isometric Autoencoders (Gropp, Atzmon, Lipman), reproduced: the library behind the book."""
