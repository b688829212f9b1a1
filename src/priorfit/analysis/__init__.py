"""What a network sees, and what a prior does: experiments on both, made of the same loop."""
