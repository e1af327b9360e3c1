"""What the stack needs from outside, fetched or built once: Java, jars, the S3 server, the class archive."""
