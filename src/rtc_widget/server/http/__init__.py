"""The embedded server's HTTP side: routes, authentication, client secrets, offers. Internal."""
