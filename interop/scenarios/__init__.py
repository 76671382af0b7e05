"""Sales through the built aditd with software that shares no code with it. Start with __main__.py."""
