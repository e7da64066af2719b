"""What `crm_resource` does: lists, values, moves, reasons, and requests to the running cluster."""
