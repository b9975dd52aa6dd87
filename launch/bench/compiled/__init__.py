"""What a compiler makes of our programs for a GPU, read from its machine code; the GPU need not be there."""
