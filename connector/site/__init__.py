"""One site at work: its desk holds the lock and reviews; its journal writes; its office answers."""
