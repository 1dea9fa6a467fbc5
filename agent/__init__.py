"""Where people meet the journey: intake, command line, settings, recorded stories."""
