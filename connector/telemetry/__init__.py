"""What people and machines get to see: logs, metrics, service notices and the report."""
