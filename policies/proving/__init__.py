"""The proving ground: policies beside baselines, through all that a site would do with them."""
