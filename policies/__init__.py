"""Where policies are made, proven and exported. Needs the train extra; connector never does."""
