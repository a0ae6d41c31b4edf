"""Clients, sessions, paging and errors: what every call to AWS uses; nothing here is about one kind of resource."""
