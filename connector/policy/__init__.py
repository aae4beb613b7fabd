"""What a learned policy sees, how it is trusted, what it says. numpy and onnxruntime, no torch."""
