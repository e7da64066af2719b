"""One node agent: `agent` puts its parts together and carries effects out, `mail` is what it and other
nodes say to each other, `places` where it keeps things.
"""
