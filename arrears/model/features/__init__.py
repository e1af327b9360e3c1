"""What is known of a feature by itself: bins, information value, associations, leaks."""
