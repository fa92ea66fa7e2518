"""Measurements beside a ping and beside community.docker; `make bench` prints them."""
