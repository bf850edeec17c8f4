"""From features and class texts to a run: settings, the loop, model selection."""
