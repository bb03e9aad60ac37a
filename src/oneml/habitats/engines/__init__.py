"""What runs ready nodes: in this process, or in processes of their own."""
