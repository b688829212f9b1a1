"""Deep Generative Prior [pan2020]_: latent and weights of a trained GAN follow one picture."""
