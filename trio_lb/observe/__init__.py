"""Faces of news: access log, statistics."""
