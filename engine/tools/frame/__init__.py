"""What Pacemaker's command-line programs have in common: options, output, sources of a CIB."""
