"""What a fit minimises: objectives and their terms."""
