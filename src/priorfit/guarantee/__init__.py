"""What is handed out: a fit, a cheap estimate or a mixture, by evidence without a clean image."""
